"""As much of the encoding of Protocol Buffers as the plugin protocol needs: numbers, and whatever has a length."""

HAS_LENGTH = 2
SEVEN_BITS = 127
MORE = 128


def encode(number: int, value: bytes | int) -> bytes:
    """Encode one field of a message: a number, or text, bytes or another message; zero is left out."""
    if isinstance(value, int):
        return _encode_number(number << 3) + _encode_number(value) if value else b""
    return _encode_number(number << 3 | HAS_LENGTH) + _encode_number(len(value)) + value


def decode(message: bytes) -> dict[int, bytes]:
    """Return the fields that have a length, by number.

    Raises:
        ValueError: a field is neither a number nor has a length.
    """
    fields: dict[int, bytes] = {}
    place = 0
    while place < len(message):
        key, place = _decode_number(message, place)
        value, place = _decode_number(message, place)
        if key & 7 == HAS_LENGTH:
            fields[key >> 3] = message[place : place + value]
            place += value
        elif key & 7:
            raise ValueError(f"Field {key >> 3} has the wire type {key & 7}.")
    return fields


def _encode_number(value: int) -> bytes:
    encoded = bytearray()
    while value > SEVEN_BITS:
        encoded.append(value & SEVEN_BITS | MORE)
        value >>= 7
    return bytes([*encoded, value])


def _decode_number(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while message[place] & MORE:
        value |= (message[place] & SEVEN_BITS) << shift
        place, shift = place + 1, shift + 7
    return value | message[place] << shift, place + 1

"""Key pairs for signing models; each number stands for one pair, the same in every process."""

from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


class KeyPair(NamedTuple):
    """Both keys, in PEM."""

    private: str
    public: str


def build(number: int, curve: ec.EllipticCurve | None = None) -> KeyPair:
    """Build the pair of this number; the default curve is P-256."""
    key = ec.derive_private_key(1_000_003 + number, curve or ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(private.decode(), public.decode())

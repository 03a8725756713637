"""Text and addresses that strangers have written, made safe to show."""

from urllib.parse import urlsplit


def one_line(text: object) -> str:
    """A stranger's text without what could steer a terminal or turn the reading direction."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text or "")).strip()


def web_address(text: object) -> str:
    """The address, if it is one of the web; else nothing."""
    try:
        parts = urlsplit(str(text or ""))
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in {"http", "https"} and parts.hostname else ""

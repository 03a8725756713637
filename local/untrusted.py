"""Untrusted text and URLs, made safe to show."""

from urllib.parse import urlsplit


def one_line(text: object) -> str:
    """Return untrusted text without control characters, which could steer a terminal or the reading direction."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text or "")).strip()


def web_url(text: object) -> str:
    """Return an http or https URL; empty for anything else."""
    try:
        parts = urlsplit(str(text or ""))
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in {"http", "https"} and parts.hostname else ""

"""A GitHub App in a test: its keys, and the settings of a service that uses it."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.support.github import StandIn

APP = 7
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = _KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PUBLIC = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def configure_app(settings: pytest.MonkeyPatch, github: StandIn) -> None:
    """Have the service create check runs as an App, whose installation 1 is on the repository."""
    settings.setenv("WEBHOOK_MODE", "check")
    settings.setenv("GITHUB_APP_ID", str(APP))
    settings.setenv("GITHUB_APP_PRIVATE_KEY", PRIVATE)
    github.control(app={"id": APP, "public_key": PUBLIC})

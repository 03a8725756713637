"""A GitHub App in a test: its keys, the settings of a service that uses it, and what it does itself."""

from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from github.Auth import AppAuth

from tests.support.github import StandIn
from tests.support.webhook.hook import SHOP

APP = 7
ANOTHER_APP = 8
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = _KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PUBLIC = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def configure_app(settings: pytest.MonkeyPatch, github: StandIn) -> None:
    """Have the service create check runs as an App, whose installation 1 is on the repository."""
    settings.setenv("WEBHOOK_MODE", "check")
    settings.setenv("GITHUB_APP_ID", str(APP))
    settings.setenv("GITHUB_APP_PRIVATE_KEY", PRIVATE)
    github.control(app={"id": APP, "public_key": PUBLIC})


def create_check_run(github: StandIn, fields: dict[str, Any], number: int = APP) -> None:
    """Create one as an App that has the installation meanwhile."""
    github.control(app={"id": number, "public_key": PUBLIC})
    proof = {"Authorization": f"Bearer {AppAuth(number, PRIVATE).create_jwt()}"}
    issued = requests.post(f"{github.address}/app/installations/1/access_tokens", headers=proof, timeout=9)
    token = {"Authorization": f"token {issued.json()['token']}"}
    created = requests.post(f"{github.address}/repos/{SHOP}/check-runs", json=fields, headers=token, timeout=9)
    created.raise_for_status()
    github.control(app={"id": APP, "public_key": PUBLIC})

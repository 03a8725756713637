"""Send a webhook to a service on this machine, signed as GitHub signs it.

`WEBHOOK_SECRET=... python -m samples.deliver example/webshop#12 --to http://127.0.0.1:3000/webhook --action opened`
"""

import argparse
import hmac
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from samples import rest
from samples.generate import generate_repositories
from samples.records import SampleRepository
from samples.server import LATEST

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUT_SECONDS = 10
API = "https://api.github.example"


def build_payload(
    repository: SampleRepository, number: int, action: str, installation: int | None = None
) -> dict[str, Any]:
    """Build the payload of a `pull_request` event.

    Raises:
        KeyError: the pull request does not exist.
    """
    pull = repository.one(number, LATEST)
    if pull is None:
        raise KeyError(f"{repository.full_name}#{number}")
    owner, _, name = repository.full_name.partition("/")
    return {
        "action": action,
        "number": number,
        "pull_request": rest.format_pull_request(pull, repository, API),
        "repository": {"full_name": repository.full_name, "name": name, "owner": {"login": owner}},
        "sender": {"login": pull.author},
        **({"installation": {"id": installation}} if installation else {}),
    }


def build_headers(raw: bytes, secret: str, delivery: str, event: str = "pull_request") -> dict[str, str]:
    """Build the headers of a delivery."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/sample",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), raw, sha256).hexdigest()}",
    }


def main() -> None:
    """Send a delivery and print the response."""
    parser = argparse.ArgumentParser(description="Send a webhook to a service on this machine, as GitHub would.")
    parser.add_argument("pull_request", help="one of the samples, such as example/webshop#12")
    parser.add_argument("--to", default="http://127.0.0.1:3000/webhook", help="(default: %(default)s)")
    parser.add_argument("--action", default="opened", help="opened, synchronize, edited, ... (default: %(default)s)")
    parser.add_argument("--secret-env", default="WEBHOOK_SECRET", help="the variable with the secret (%(default)s)")
    parser.add_argument("--delivery", default=str(uuid.uuid4()), help="its id; a repeated one is a redelivery")
    parser.add_argument("--installation", type=int, help="the installation of a GitHub App, for an App's webhook")
    given = parser.parse_args()
    name, _, number = given.pull_request.partition("#")
    repository, secret = generate_repositories().get(name), os.environ.get(given.secret_env)
    if urlsplit(given.to).hostname not in LOOPBACK:
        parser.error(f"--to must be on this machine, not {given.to}")
    if not secret:
        parser.error(f"{given.secret_env} is not set; set it to the service's secret")
    if repository is None or not number.isdecimal() or repository.one(int(number), LATEST) is None:
        parser.error(f"there is no sample {given.pull_request}")
    payload = build_payload(repository, int(number), given.action, given.installation)
    # Two of GitHub's bodies are never the same, and the service takes none twice.
    raw = json.dumps({**payload, "sent_at": f"{datetime.now(UTC)}"}).encode()
    is_taken, answer = _send(given.to, raw, build_headers(raw, secret, given.delivery))
    print(f"{given.delivery}: {answer}")  # noqa: T201
    sys.exit(0 if is_taken else 1)


def _send(address: str, raw: bytes, named: dict[str, str]) -> tuple[bool, str]:
    """Send a delivery; returns whether the service took it, and its response."""
    opener = build_opener(ProxyHandler({}))  # on this machine, so not through a proxy
    try:
        with opener.open(Request(address, raw, named), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return True, f"{answer.status} {answer.read().decode()}"
    except HTTPError as error:
        return False, f"{error.code} {error.read().decode()}"
    except URLError as error:
        return False, f"no response ({error.reason})"


if __name__ == "__main__":
    main()

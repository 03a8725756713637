"""A comment that production's service makes on a pull request, and what its command finds behind it."""

import json
import re
import shlex
import uuid
from typing import Any
from urllib.parse import urlsplit

import requests

from samples import deliver
from samples.generate import generate_repositories
from tests.cluster import kube
from tests.cluster.drill.environments import BRANCHES, WEBHOOK
from tests.support.command_line import cli

REPOSITORY, NUMBER = "example/docs", 305
"""A pull request that deletes 3,000 lines."""


def provoke() -> str:
    """Deliver the pull request as GitHub does when it is opened; the text of the comment that follows."""
    payload = deliver.build_payload(generate_repositories()[REPOSITORY], NUMBER, "opened")
    raw = json.dumps(payload).encode()
    headers = deliver.build_headers(raw, WEBHOOK["WEBHOOK_SECRET"], str(uuid.uuid4()))
    with kube.forwarded("model-serving-active", 80, BRANCHES["production"][1]) as service:
        requests.post(f"http://{service}/webhook", raw, headers=headers, timeout=20).raise_for_status()
    return kube.wait(_find_comment, f"a comment on {REPOSITORY}#{NUMBER}")


def _find_comment() -> str | None:
    with kube.forwarded("github", 8080) as address:
        written = requests.get(f"http://{address}/_written", timeout=10).json()["comments"]
    return next((str(one["body"]) for one in written), None)


def trace(comment: str, state: str, places: dict[str, str]) -> dict[str, Any]:
    """Run the command in a comment on the cluster's MongoDB, MLflow and store; the parts by name.

    Args:
        comment: its text.
        state: an empty folder.
        places: MLflow and the store for this machine, and MongoDB as a pod reaches it, with its user.
    """
    (command,) = re.findall(r"`(\./pr-sentinel trace [^`]+)`", comment)
    _, *arguments = shlex.split(command)
    user = urlsplit(places["MONGO_URI"]).netloc.rpartition("@")[0]
    with kube.forwarded("mongodb", 27017) as address:
        mongo = f"mongodb://{user}@{address}/?authSource=pr_sentinel&directConnection=true"
        done = cli(*arguments, "--json", "--state", state, **places | {"MONGO_URI": mongo, "MONGO_DB": "pr_sentinel"})
    assert done.returncode == 0, done.stdout + done.stderr
    return {part["name"]: part for part in json.loads(done.stdout)["parts"]}

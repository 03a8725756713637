"""What GitHub sends to a webhook: whether it really comes from there, and what of it matters."""

import hmac
import re
from hashlib import sha256
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from steps.common.pull_request import LARGEST_COUNT
from steps.common.repository_name import RepositoryName

ACTIONS = frozenset({"opened", "reopened", "synchronize", "ready_for_review", "edited"})
"""Of pull_request events, those after which a pull request may score differently."""
COMMIT = r"^[0-9a-f]{40}([0-9a-f]{24})?$"
SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


Id = Annotated[int, Field(ge=1, le=2**53)]


class Action(_Part):
    """What every event with actions says first."""

    action: Annotated[str, Field(max_length=64)]


class Head(_Part):
    """The commit that a pull request stands at."""

    sha: Annotated[str, Field(pattern=COMMIT)]


class Pull(_Part):
    """What is taken of the pull request; all else is fetched anew when it is looked at."""

    head: Head


class Repository(_Part):
    """The repository that the event is of."""

    full_name: RepositoryName


class Installation(_Part):
    """The installation of a GitHub App that the event was sent to."""

    id: Id


class PullRequestEvent(Action):
    """A pull_request event."""

    number: Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
    pull_request: Pull
    repository: Repository
    installation: Installation | None = None


class Notice(NamedTuple):
    """That something happened to a pull request: names and numbers, no texts."""

    delivery: str
    action: str
    repository: str
    number: int
    head_sha: str
    installation: int | None

    @classmethod
    def of(cls, delivery: str, event: PullRequestEvent) -> "Notice":
        """What is kept of an event."""
        return cls(
            delivery,
            event.action,
            event.repository.full_name,
            event.number,
            event.pull_request.head.sha,
            event.installation.id if event.installation else None,
        )


def signature(secret: bytes, raw: bytes) -> str:
    """What `X-Hub-Signature-256` has to be for these bytes."""
    return f"sha256={hmac.new(secret, raw, sha256).hexdigest()}"


def genuine(secret: bytes, raw: bytes, given: str | None) -> bool:
    """Whether the signature is the one that only a holder of the secret can make; compared in constant time."""
    if given is None or SIGNATURE.fullmatch(given) is None:
        return False
    return hmac.compare_digest(signature(secret, raw), given)

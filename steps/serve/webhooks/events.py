"""GitHub's webhook events: their signature, and the fields that are used."""

import hmac
import json
import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, NamedTuple, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WrapValidator

from steps.common.fields import MAX_ACCOUNT_ID, MAX_COUNT, Instant, none_if_broken
from steps.common.repository_name import RepositoryName
from steps.serve.feedback import Vote

LABEL_ACTIONS = frozenset({"labeled", "unlabeled"})
"""Actions of pull_request events after which a repository may mute it, or no longer."""
ACTIONS = frozenset({"opened", "reopened", "synchronize", "ready_for_review", "edited"}) | LABEL_ACTIONS
"""Actions of pull_request events after which a pull request may score differently, or be muted."""
BRANCH_PREFIX = "refs/heads/"
VOTES = frozenset(get_args(Vote))
"""Identifiers of the buttons on check runs."""
MAX_COMMITS = 2_048
"""The commits that GitHub lists of a push."""
COMMIT = r"^[0-9a-f]{40}([0-9a-f]{24})?$"
SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")


class _EventPart(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


InstallationId = Annotated[int, Field(ge=1, le=2**53)]


class EventAction(_EventPart):
    """The action of an event."""

    action: Annotated[str, Field(max_length=64)]


class EventHead(_EventPart):
    """The head commit of a pull request."""

    sha: Annotated[str, Field(pattern=COMMIT)]


class EventBase(_EventPart):
    """The branch that a pull request is to be merged into."""

    ref: str = ""


class EventPullRequest(_EventPart):
    """The fields used of the pull request; the worker fetches the others when it scores it."""

    head: EventHead
    updated_at: Annotated[Annotated[Instant, Field(strict=False)] | None, WrapValidator(none_if_broken)] = None
    base: EventBase = EventBase()
    title: str = ""
    body: str | None = None
    draft: bool = False

    def compute_fingerprint(self) -> str:
        """Compute a hash of all that an action in ACTIONS changes, in an event as in GitHub's lists."""
        parts = [self.head.sha, self.base.ref, self.title, self.body or "", self.draft]
        return sha256(json.dumps(parts).encode()).hexdigest()


class ListedPullRequest(EventPullRequest):
    """A pull request in GitHub's lists."""

    model_config = ConfigDict(strict=False)

    number: Annotated[int, Field(ge=1, le=MAX_COUNT)]
    state: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class EventRepository(_EventPart):
    """The repository of the event."""

    full_name: RepositoryName


class EventInstallation(_EventPart):
    """The installation of a GitHub App that the event was sent to."""

    id: InstallationId


class PingEvent(_EventPart):
    """A ping; only that of a repository's own webhook names the repository."""

    repository: EventRepository | None = None


class PullRequestEvent(EventAction):
    """A pull_request event."""

    number: Annotated[int, Field(ge=1, le=MAX_COUNT)]
    pull_request: EventPullRequest
    repository: EventRepository
    installation: EventInstallation | None = None


class RequestedAction(_EventPart):
    """The button of a check run that a person pressed."""

    identifier: Annotated[str, Field(max_length=64)]


class EventCheckRun(_EventPart):
    """The check run of an alert; its external id is `owner/name#number`."""

    head_sha: Annotated[str, Field(pattern=COMMIT)]
    external_id: Annotated[str, Field(max_length=512, pattern=r"^[^#]+#[1-9][0-9]{0,8}$")]


class EventSender(_EventPart):
    """The account that caused an event."""

    id: Annotated[int, Field(ge=1, le=MAX_ACCOUNT_ID)]
    login: Annotated[str, Field(min_length=1, max_length=256)]


class ButtonEvent(_EventPart):
    """A check_run event, whichever App made the check run; GitHub's schema requires neither field."""

    action: str = ""
    requested_action: Annotated[RequestedAction | None, WrapValidator(none_if_broken)] = None


class CheckRunEvent(_EventPart):
    """A check_run event of a button on one of this service's check runs."""

    requested_action: RequestedAction
    check_run: EventCheckRun
    repository: EventRepository
    sender: EventSender
    installation: EventInstallation | None = None


class PushRepository(EventRepository):
    """The repository of a push."""

    default_branch: Annotated[str, Field(max_length=1_024)]


class PushCommit(_EventPart):
    """The paths that a commit changes."""

    added: list[str] = []
    modified: list[str] = []
    removed: list[str] = []


class PushEvent(_EventPart):
    """A push event."""

    ref: Annotated[str, Field(max_length=1_024)]
    forced: bool = False
    commits: Annotated[list[PushCommit], Field(max_length=MAX_COMMITS)] = []
    repository: PushRepository

    def may_change(self, path: str) -> bool:
        """Return True if the push may have changed this file of the default branch."""
        if self.ref != f"{BRANCH_PREFIX}{self.repository.default_branch}":
            return False
        # GitHub lists no more commits than that, and a forced push may drop some.
        if self.forced or not 0 < len(self.commits) < MAX_COMMITS:
            return True
        return any(path in (*commit.added, *commit.modified, *commit.removed) for commit in self.commits)


class Notice(NamedTuple):
    """The stored part of an event about a pull request: names, numbers and hashes, no texts.

    `fingerprint` is that of the pull request, `content` the hash of the delivered body. What is not `is_published` is
    only recorded.
    """

    delivery: str
    action: str
    repository: str
    number: int
    head_sha: str
    installation: int | None
    updated_at: datetime | None = None
    fingerprint: str | None = None
    content: str | None = None
    is_published: bool = True

    @classmethod
    def from_event(cls, delivery: str, event: PullRequestEvent, raw: bytes) -> "Notice":
        """Return the part of an event that is stored; `raw` is the delivered body."""
        return cls(
            delivery,
            event.action,
            event.repository.full_name,
            event.number,
            event.pull_request.head.sha,
            event.installation.id if event.installation else None,
            event.pull_request.updated_at,
            event.pull_request.compute_fingerprint(),
            sha256(raw).hexdigest(),
        )


class Voter(NamedTuple):
    """The account that pressed a button; its login is needed to look up the permission."""

    id: int
    login: str


class Ballot(NamedTuple):
    """A vote by the button of a check run: a notice, whose action is one of VOTES, and the voter."""

    notice: Notice
    voter: Voter

    @classmethod
    def from_event(cls, delivery: str, event: CheckRunEvent) -> "Ballot":
        """Return the part of an event that is stored."""
        number = int(event.check_run.external_id.rpartition("#")[2])
        installation = event.installation.id if event.installation else None
        place = (event.repository.full_name, number, event.check_run.head_sha, installation)
        return cls(
            Notice(delivery, event.requested_action.identifier, *place), Voter(event.sender.id, event.sender.login)
        )


def sign(secret: bytes, raw: bytes) -> str:
    """Return the `X-Hub-Signature-256` for these bytes."""
    return f"sha256={hmac.new(secret, raw, sha256).hexdigest()}"


def is_genuine(secrets: Sequence[bytes], raw: bytes, given: str | None) -> bool:
    """Return True if the signature was made with one of the secrets; compared in constant time."""
    if given is None or SIGNATURE.fullmatch(given) is None:
        return False
    matches = [hmac.compare_digest(sign(secret, raw), given) for secret in secrets]
    return any(matches)

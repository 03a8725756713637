"""What the service takes and answers; the names of these fields are public."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from steps.common.pull_request import PullRequest
from steps.serve.http import examples

MOST_PULL_REQUESTS = 10_000
MOST_REPOSITORIES = 100
"""In one request: each has a history that is read for it."""
MOST_BYTES = 32 * 2**20
"""Of a request's body."""


class Form(BaseModel):
    """What every request and answer has in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreRequest(Form):
    """Pull requests as GitHub's REST interface and webhooks have them; fields that are not needed are ignored.

    `files` is what `GET /repos/{owner}/{repo}/pulls/{number}/files` lists, where that is at hand.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"pull_requests": [examples.PULL_REQUEST]}]})

    pull_requests: Annotated[
        list[PullRequest],
        Field(
            min_length=1,
            max_length=MOST_PULL_REQUESTS,
            description=f"of at most {MOST_REPOSITORIES} repositories",
        ),
    ]


class UrlRequest(Form):
    """Where a pull request is to be seen."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": examples.URL}]})

    url: Annotated[
        str,
        Field(
            strict=True,
            max_length=1_024,
            json_schema_extra={
                "pattern": r"^https?://[^/?#\s]+/[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+/pull/[1-9][0-9]{0,8}([/?#].*)?$"
            },
        ),
    ]


class ModelName(Form):
    """Which model answered: `digest` is the SHA-256 of its manifest, which holds that of every file."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


class Registration(BaseModel):
    """What the registry knows of the model: when and by which run it came, and why the gate let it through."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = "pr-sentinel"
    version: str = "unregistered"
    registered_at: str | None = None
    run_id: str | None = None
    reason: str | None = None


class Card(ModelName):
    """The model's card; the manifest has what it learned from, its metrics beside others', and every file's hash."""

    registration: Registration
    manifest: dict[str, Any]


class Result(Form):
    """What is said of one pull request.

    `percentile` is the share, in percent, of the repository's past pull requests that scored lower. `history` tells
    what it was compared with: its own repository's past, that of all repositories, or none.
    """

    id: str
    repository: str
    number: int
    score: float
    percentile: float
    threshold: float
    unusual: bool
    level: Literal["standard", "unusual", "high"]
    reasons: list[str]
    history: Literal["repository", "all", "none"]


class ScoreAnswer(Form):
    """A result for each pull request, in their order."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANSWER]})

    model: ModelName
    results: list[Result]


class Seen(Form):
    """What the service fetched of a pull request."""

    title: str
    author: str
    created_at: str
    additions: int
    deletions: int
    changed_files: int
    commits: int
    url: str


class UrlAnswer(ScoreAnswer):
    """The one result, and what was fetched for it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANSWER | {"pull_request": examples.SEEN}]})

    pull_request: Seen


class Golden(Form):
    """A pull request, and the features and the score that the model must give it wherever it runs."""

    pull_request: dict[str, Any]
    features: dict[str, float]
    score: float


class Distribution(Form):
    """Quantiles of the scores of a repository's past, or over all repositories where it is not `known`."""

    repository: str
    known: bool
    levels: list[float]
    scores: list[float]
    threshold: float
    high: float


class Health(Form):
    """How the service is."""

    status: Literal["alive", "ready"]


class FieldProblem(Form):
    """What is wrong with one field."""

    field: str
    problem: str


class Problem(Form):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []

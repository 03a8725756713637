"""The requests and responses of the HTTP API; the names of these fields are public."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from steps.common.pull_request import PullRequest
from steps.common.repository_name import PATTERN
from steps.serve.http import examples

MAX_PULL_REQUESTS = 10_000
MAX_REPOSITORIES = 100
"""Per request: the service reads the history of each."""
MAX_BODY_BYTES = 32 * 2**20
"""Size limit of a request body."""
CHECK_HEADER = "X-Check"
"""Marks requests to `/score` by a release's checks, which are neither stored nor counted as people's."""
Level = Literal["standard", "unusual", "high"]
HistorySource = Literal["repository", "all", "none"]


class ApiModel(BaseModel):
    """The base of every request and response."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreRequest(ApiModel):
    """Pull requests in the form of GitHub's REST API and webhooks; fields that are not needed are ignored.

    `files` is the response of `GET /repos/{owner}/{repo}/pulls/{number}/files`, where it is available.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"pull_requests": [examples.PULL_REQUEST]}]})

    pull_requests: Annotated[
        list[PullRequest],
        Field(
            min_length=1,
            max_length=MAX_PULL_REQUESTS,
            description=f"of at most {MAX_REPOSITORIES} repositories",
        ),
    ]


class UrlRequest(ApiModel):
    """The URL of a pull request."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": examples.URL}]})

    url: Annotated[
        str,
        Field(
            strict=True,
            max_length=1_024,
            json_schema_extra={"pattern": rf"^https?://[^/?#\s]+/{PATTERN}/pull/[1-9][0-9]{{0,8}}([/?#].*)?$"},
        ),
    ]


class ModelName(ApiModel):
    """The model that answered: `digest` is the SHA-256 of its manifest, which lists the hash of every file."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


class ModelRegistration(BaseModel):
    """The registry's record of the model: its version, and why the gate accepted it; the rest if the file has it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = "pr-sentinel"
    version: str = "unregistered"
    reason: str | None = None


class ModelCard(ModelName):
    """The model card; `manifest` holds the training data, metrics beside the baselines', and every file's hash.

    `signature` is the Sigstore bundle of OpenSSF Model Signing over all files; null if the model is unsigned.
    """

    registration: ModelRegistration
    signature: dict[str, Any] | None = None
    manifest: dict[str, Any]


class ScoreResult(ApiModel):
    """The score of one pull request.

    `level` is `standard`, `unusual` or `high`. `percentile` is the percentage of the repository's past
    pull requests that scored lower. `history` is what the pull request was compared with: the past of its own
    `repository`, that of `all` repositories, or `none`.
    """

    id: str
    repository: str
    number: int
    score: float
    percentile: float
    threshold: float
    unusual: bool
    level: Level
    reasons: list[str]
    history: HistorySource


class ScoreResponse(ApiModel):
    """A result for each pull request, in the order of the request."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SCORE_RESPONSE]})

    model: ModelName
    results: list[ScoreResult]


class PullRequestSummary(ApiModel):
    """A pull request as the service fetched it."""

    title: str
    author: str
    created_at: str
    additions: int
    deletions: int
    changed_files: int
    commits: int
    url: str


class UrlResponse(ScoreResponse):
    """The result, and a summary of the pull request that was fetched."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [examples.SCORE_RESPONSE | {"pull_request": examples.SUMMARY}]}
    )

    pull_request: PullRequestSummary


class GoldenPullRequest(ApiModel):
    """A pull request with the features and the score that the model must give it wherever it runs."""

    pull_request: dict[str, Any]
    features: dict[str, float]
    score: float


class ScoreDistribution(ApiModel):
    """Score quantiles of a repository's past pull requests, or of all repositories' if it is not `known`."""

    repository: str
    known: bool
    levels: list[float]
    scores: list[float]
    threshold: float
    high: float


class FeedbackCounts(ApiModel):
    """The latest alerts of a repository that people voted on, and how many of those they called useful."""

    repository: str
    voted: int
    useful: int


class Health(ApiModel):
    """The state of the service."""

    status: Literal["alive", "ready"]


class FieldProblem(ApiModel):
    """A problem with one field."""

    field: str
    problem: str


class Problem(ApiModel):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []

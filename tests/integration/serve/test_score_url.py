"""A pull request is fetched by its URL: from GitHub only, and with a message for every failure."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from github import Auth
from starlette.testclient import TestClient

from samples.generate import generate_repositories
from samples.graph import SITE
from steps.serve import github_access, lookup
from steps.serve.app import create_app
from tests.support.github import StandIn

TOKEN = "ghp_hunter2"  # noqa: S105 - it guards nothing
PULL = f"{SITE}/example/webshop/pull/12"


def name_github(patch: pytest.MonkeyPatch, model: Path, address: str) -> None:
    """Set the settings of a service with a token for the fake GitHub."""
    for name, value in (("MODEL_DIR", str(model)), ("GITHUB_API_URL", address), ("GITHUB_URL", SITE)):
        patch.setenv(name, value)
    patch.setenv("GITHUB_TOKEN", TOKEN)


@pytest.fixture
def fetching(settings: pytest.MonkeyPatch, model: Path, github: StandIn) -> Iterator[TestClient]:
    """Such a service."""
    github.reset()
    name_github(settings, model, github.address)
    with TestClient(create_app()) as client:
        yield client
    github.reset()


@pytest.fixture(scope="module")
def refusing(model: Path, github_address: str) -> Iterator[TestClient]:
    """One for all tests of what it refuses without asking GitHub."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            name_github(patch, model, github_address)
            client = stack.enter_context(TestClient(create_app()))
        yield client


@pytest.fixture
def github(github_address: str) -> StandIn:
    """The controls of the fake GitHub."""
    return StandIn(github_address)


def problem(client: TestClient, url: Any) -> tuple[int, str, str | None]:
    """Post a URL, and return status, detail and Retry-After; the token is in none of them."""
    answer = client.post("/score_url", json={"url": url})
    assert answer.headers["content-type"] == "application/problem+json"
    assert TOKEN not in answer.text + str(answer.headers)
    return answer.status_code, answer.json()["detail"], answer.headers.get("retry-after")


def test_a_pull_request_is_fetched_and_scored(fetching: TestClient, github: StandIn) -> None:
    """With the summary that the page shows."""
    answer = fetching.post("/score_url", json={"url": PULL})
    assert answer.status_code == 200
    (result,), shown = answer.json()["results"], answer.json()["pull_request"]
    assert result["id"] == "example/webshop#12"
    assert shown["url"] == PULL
    address = f"{github.address}/repos/example/webshop/pulls/12"
    given = requests.get(address, headers={"Authorization": "token any"}, timeout=10).json()
    given["files"] = requests.get(f"{address}/files", headers={"Authorization": "token any"}, timeout=10).json()
    again = fetching.post("/score", json={"pull_requests": [given]}).json()["results"]
    assert again == [result]


def test_a_pull_request_comes_with_the_first_of_its_files(fetching: TestClient, github: StandIn) -> None:
    """A hundred at most, in one request more."""
    largest = max(generate_repositories()["example/webshop"].pulls.values(), key=lambda pull: pull.changed_files)
    before = github.stats().get("requests", 0)
    client = github_access.GitHubRestClient(github.address, Auth.Token(TOKEN))
    found = client.fetch_pull_request("example/webshop", largest.number).pull
    assert found.files is not None
    assert [file["filename"] for file in found.files] == [file.path for file in largest.files]
    assert (len(found.files), github.stats()["requests"] - before) == (100, 2)


@pytest.mark.parametrize("fault", ["500", "drop", "garbage", "null", "secondary"])
def test_a_pull_request_whose_files_can_not_be_listed_is_scored_without_them(
    fetching: TestClient, github: StandIn, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    """And the log says so."""
    github.control(next=["pass", fault])
    assert fetching.post("/score_url", json={"url": PULL}).status_code == 200
    (said,) = [record for record in caplog.records if record.name == github_access.__name__]
    assert said.getMessage() == "could not list the changed files, scoring without them"


@pytest.mark.parametrize(
    "rest", ["/files", "/files?w=1", "#discussion_r1", "?diff=split", "/", "/commits/abc", "/../../../../user", " "]
)
def test_a_url_may_be_any_page_of_the_pull_request(fetching: TestClient, rest: str) -> None:
    assert fetching.post("/score_url", json={"url": PULL + rest}).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example/webshop#12",
        "https://example.com/example/webshop/pull/12",
        f"{SITE}.example.com/example/webshop/pull/12",
        f"{SITE}@127.0.0.1/example/webshop/pull/12",
        f"{SITE}:80@127.0.0.1/example/webshop/pull/12",
        f"{SITE}:8080/example/webshop/pull/12",
        SITE.replace("https://", "http://") + "/example/webshop/pull/12",
        SITE.replace("https://", "https://user:password@") + "/example/webshop/pull/12",
        SITE.replace("https://", "https://127.0.0.1/") + "/example/webshop/pull/12",
        f"{SITE}\\@127.0.0.1/example/webshop/pull/12",
        f"{SITE}/../example/webshop/pull/12",
        f"{SITE}/example/../pull/12",
        f"{SITE}/example/./pull/12",
        f"{SITE}/example/%2e%2e/pull/12",
        f"{SITE}/example/webshop%2f..%2f..%2fuser/pull/12",
        f"{SITE}/example/webshop/pull/0",
        f"{SITE}/example/webshop/pull/-1",
        f"{SITE}/example/webshop/pull/12x",
        f"{SITE}/example/webshop/pull/\N{FULLWIDTH DIGIT NINE}",
        f"{SITE}/example/webshop/pull/99999999999",
        f"{SITE}/example/webshop/issues/12",
        f"{SITE}/example/webshop",
        f"{SITE}/example/webshop/pull/12\r\nHost: x",
        f"{SITE}//webshop/pull/12",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_any_other_url_is_refused_without_a_request(refusing: TestClient, github: StandIn, url: str) -> None:
    """Only the repository and the number of a URL are used."""
    before = github.stats().get("requests", 0)
    status, said, _ = problem(refusing, url)
    assert status == 422
    assert f"Use one such as {SITE}/owner/name/pull/1." in said
    assert github.stats().get("requests", 0) == before


@pytest.mark.parametrize("url", [None, 5, ["x"], {"a": 1}, "x" * 1_025])
def test_a_url_is_a_string_of_bounded_length(refusing: TestClient, url: Any) -> None:
    status, _, _ = problem(refusing, url)
    assert status == 422


def test_a_missing_pull_request_is_a_404(fetching: TestClient) -> None:
    status, said, _ = problem(fetching, f"{SITE}/example/webshop/pull/999999")
    assert status == 404
    assert "example/webshop#999999" in said


@pytest.mark.parametrize("fault", ["500", "502", "503", "drop", "truncate", "garbage", "html", "null"])
def test_a_failing_github_is_a_503(fetching: TestClient, github: StandIn, fault: str) -> None:
    """It is worth a retry."""
    github.control(next=[fault])
    status, said, pause = problem(fetching, PULL)
    assert (status, pause) == (503, "10")
    assert said.startswith("GitHub is not available now: ")
    assert fetching.post("/score_url", json={"url": PULL}).status_code == 200


@pytest.mark.parametrize("limit", ["secondary", "secondary-429", "primary", "primary-403"])
def test_a_rate_limit_is_passed_on_and_no_request_is_sent_while_it_holds(
    fetching: TestClient, github: StandIn, limit: str
) -> None:
    github.control(next=[limit], retry_after=30)
    for _ in range(3):
        status, said, pause = problem(fetching, PULL)
        assert status == 503
        assert "rate limit" in said
        assert 20 <= int(str(pause)) <= 35
    assert "requests_during_retry_after" not in github.stats()


def test_a_rejected_token_is_a_502(fetching: TestClient, settings: pytest.MonkeyPatch) -> None:
    """The fault is the service's, not the caller's."""
    settings.setenv("GITHUB_TOKEN", "bad")
    with TestClient(create_app()) as client:
        status, said, _ = problem(client, PULL)
    assert status == 503
    assert "does not accept the token" in said


def test_a_slow_github_times_out_and_blocks_no_other_request(
    settings: pytest.MonkeyPatch, fetching: TestClient, github: StandIn, pull: dict[str, Any]
) -> None:
    settings.setattr(lookup, "FETCH_TIMEOUT_SECONDS", 0.3)
    github.control(latency_ms=1_000)
    status, said, _ = problem(fetching, PULL)
    assert status == 503
    assert "takes too long" in said
    assert fetching.post("/score", json={"pull_requests": [pull]}).status_code == 200


def test_a_service_without_a_token_refuses_urls(client: TestClient) -> None:
    status, said, _ = problem(client, "https://github.com/example/webshop/pull/12")
    assert status == 503
    assert "no GitHub token" in said
    assert github_access.TIMEOUT_SECONDS < lookup.FETCH_TIMEOUT_SECONDS

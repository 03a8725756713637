"""Register requests a new champion's image from GitHub if a repository is configured, and reports failures."""

import logging
from typing import Any

import pytest
import requests
from mlflow import MlflowClient

from steps.common.errors import Unavailable
from steps.register import image
from steps.register.registry import decide_and_register
from tests.support.github import StandIn

NAME = "example/webshop"
REQUEST = {"repository": NAME, "workflow": "serve.yml", "ref": "staging"}


@pytest.fixture
def release_github(github: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in, whose repository and token register knows."""
    monkeypatch.setenv("RELEASE_REPOSITORY", NAME)
    monkeypatch.setenv("RELEASE_TOKEN", "hunter2")
    return github


def read_dispatches(github: StandIn) -> Any:
    """Return the requested workflow runs."""
    return requests.get(f"{github.address}/_written", timeout=10).json()["dispatches"]


@pytest.mark.usefixtures("client")
def test_a_new_champions_image_is_requested_once(release_github: StandIn, trainings: Any) -> None:
    """By one request; a night that finds nothing new asks for nothing."""
    assert decide_and_register(**trainings["good"])["decision"] == "accepted"
    assert read_dispatches(release_github) == [REQUEST]
    assert release_github.stats()["requests"] == 1
    assert decide_and_register(**trainings["good"])["decision"] == "unchanged"
    assert read_dispatches(release_github) == [REQUEST]


@pytest.mark.usefixtures("client")
def test_no_image_is_requested_for_a_refused_model(release_github: StandIn, trainings: Any) -> None:
    """There is no new champion."""
    assert decide_and_register(**trainings["worthless"])["decision"] == "refused"
    assert read_dispatches(release_github) == []


@pytest.mark.usefixtures("client")
def test_no_image_is_requested_without_a_release_repository(
    github: StandIn, trainings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log says so."""
    with caplog.at_level(logging.INFO):
        assert decide_and_register(**trainings["good"])["decision"] == "accepted"
    assert github.stats().get("requests", 0) == 0
    (line,) = (record for record in caplog.records if record.message == "no image requested")
    assert vars(line)["reason"] == "RELEASE_REPOSITORY or RELEASE_TOKEN is not set"


@pytest.mark.parametrize(
    ("given", "faults", "words"),
    [
        ({"RELEASE_TOKEN": "bad-hunter2"}, [], "401 Bad credentials"),
        ({"RELEASE_REPOSITORY": "example/nowhere"}, [], "404 Not Found"),
        ({}, ["503"], "503"),
        ({}, ["secondary"], "403 You have exceeded a secondary rate limit."),
        ({}, ["drop"], "no answer (ConnectionError)"),
        ({"GITHUB_API_URL": "http://127.0.0.1:1"}, [], "no answer (ConnectionError)"),
    ],
    ids=["refused token", "no such repository", "error", "limit", "connection lost", "away"],
)
def test_a_failed_request_is_one_line_and_is_retried(
    given: dict[str, str],
    faults: list[str],
    words: str,
    release_github: StandIn,
    client: MlflowClient,
    trainings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model is champion all the same."""
    release_github.control(next=faults, retry_after=0)
    with monkeypatch.context() as changed:
        for name, value in given.items():
            changed.setenv(name, value)
        with pytest.raises(Unavailable) as caught:
            decide_and_register(**trainings["good"])
    assert f"Version 1 is champion, but {given.get('RELEASE_REPOSITORY', NAME)} did not accept" in str(caught.value)
    assert words in caught.value.problem
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert read_dispatches(release_github) == []
    assert "champion" in client.get_registered_model("pr-sentinel").aliases
    assert decide_and_register(**trainings["good"])["decision"] == "unchanged"
    assert read_dispatches(release_github) == [REQUEST]


@pytest.mark.usefixtures("client")
def test_an_unknown_workflow_is_reported(
    release_github: StandIn, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a repository that lacks it."""
    monkeypatch.setattr(image, "WORKFLOW", "other.yml")
    with pytest.raises(Unavailable, match="404 Not Found"):
        decide_and_register(**trainings["good"])
    assert read_dispatches(release_github) == []


@pytest.mark.usefixtures("client")
def test_a_request_whose_response_was_lost_is_repeated(release_github: StandIn, trainings: Any) -> None:
    """GitHub has heard it twice then, as nobody can know."""
    release_github.control(next=["lost"])
    with pytest.raises(Unavailable, match="no answer"):
        decide_and_register(**trainings["good"])
    for _ in range(2):
        decide_and_register(**trainings["good"])
    assert read_dispatches(release_github) == [REQUEST, REQUEST]

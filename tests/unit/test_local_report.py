"""The report of a run: untrusted titles are harmless, and changes are summarised."""

import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.engine.progress import summarise
from local.engine.run_state import Node, Phase, WorkflowRun
from local.report import changes, page, tables
from local.report.findings import EvaluationReport, Findings, UnusualPullRequest
from local.untrusted import one_line, web_url

HOSTILE = '<script>alert(1)</script> "onmouseover="x {{ 7*7 }}'
FIGURES = {
    "average_precision": 0.5,
    "roc_auc": 0.9,
    "f1": 0.4,
    "recall_at_1": 0.3,
    "recall_at_5": 0.6,
    "recall_at_10": 0.8,
}
DETECTORS = {"model": FIGURES, "lines_added": FIGURES}


def pull(**fields: Any) -> UnusualPullRequest:
    """An unusual pull request."""
    plain = {
        "id": "a/b#1",
        "repository": "a/b",
        "number": 1,
        "created_at": "2026-01-02T03:04:05+00:00",
        "score": 9.5,
        "percentile": 99.97,
        "level": "high",
        "reasons": ["changes 9 lines"],
        "title": "A title",
        "url": "https://github.com/a/b/pull/1",
    }
    return UnusualPullRequest.model_validate(plain | fields)


def findings(*unusual: UnusualPullRequest) -> Findings:
    """Findings with arbitrary figures."""
    evaluation = EvaluationReport.model_validate(
        {
            "alert_budget": 0.01,
            "threshold": 6.0,
            "rows": {"train": 60, "validation": 15, "test": 25},
            "injected": {"all": DETECTORS, "vendored_dump": DETECTORS},
            "reverted": None,
        }
    )
    return Findings(list(unusual), evaluation, {"scores": b"png", "precision_recall": b"png", "loss": b"png"})


def finished(folder: Path, name: str = "now", **outputs: Any) -> WorkflowRun:
    """A run that has succeeded."""
    fetched = {"fetched": "0", "updated": "0", "quarantined": "0", "requests": "1"} | outputs
    nodes = {
        "fetch": [Node("fetch-0", "fetch", "fetch", "a/b", outputs=fetched)],
        "preprocess": [Node("preprocess", "preprocess", "preprocess", outputs={"data_hash": "d1"})],
        "train": [Node("train", "train", "train", outputs={"run_id": "r1"})],
        "register": [
            Node("register", "register", "register", outputs={"version": "1", "decision": "x", "reason": "y"})
        ],
    }
    (folder / name).mkdir(parents=True)
    return WorkflowRun(name, folder / name, {"repositories": '["a/b"]'}, nodes, Phase.SUCCEEDED)


class Tags(HTMLParser):
    """Gathers the tags of a page with their attributes."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.found.append((tag, dict(attrs)))


def test_a_hostile_title_is_text_and_nothing_else(tmp_path: Path) -> None:
    """No element and no attribute of the page comes from a title, a reason or a repository's name."""
    run = finished(tmp_path)
    written = page.render(run, findings(pull(title=HOSTILE, reasons=[HOSTILE], repository=HOSTILE)))
    plain = page.render(run, findings(pull()))
    hostile_tags, plain_tags = Tags(), Tags()
    hostile_tags.feed(written)
    plain_tags.feed(plain)
    assert hostile_tags.found == plain_tags.found
    assert "{{ 7*7 }}" in written


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    """No script, no style sheet, no picture, no font from anywhere else."""
    tags = Tags()
    tags.feed(page.render(finished(tmp_path), findings(pull())))
    assert {"script", "link", "iframe"}.isdisjoint(tag for tag, _ in tags.found)
    assert all(str(attributes["src"]).startswith("data:image/png") for tag, attributes in tags.found if tag == "img")


def test_what_people_said_is_on_the_page_and_in_the_terminal(tmp_path: Path) -> None:
    """And what is muted is marked."""
    found = findings(pull(muted="labels"))
    found.votes.append("a/b: Of the last 20 alerts that people voted on, 14 were called useful: 70 % (52 to 84 %).")
    console = Console(width=200, record=True, file=io.StringIO())
    tables.show(found, console)
    for written in (console.export_text(), page.render(finished(tmp_path), found)):
        assert found.votes[0] in written
        assert "muted (labels)" in written


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://github.com/a/b/pull/1", "https://github.com/a/b/pull/1"),
        ("http://127.0.0.1:8000/a/b/pull/1", "http://127.0.0.1:8000/a/b/pull/1"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//elsewhere.example", ""),
        ("https://", ""),
        ("http://[", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_only_addresses_of_the_web_become_links(address: object, kept: str) -> None:
    """Whatever else a document holds there is left out."""
    assert web_url(address) == kept


def test_a_title_can_not_steer_the_terminal() -> None:
    """Escape sequences, line breaks and signs that turn the reading direction become spaces."""
    assert one_line("a\x1b[31mb\nc\u202ed\x9be") == "a [31mb c d e"
    assert one_line("עברית 🎉") == "עברית 🎉"
    assert one_line(None) == ""


def test_the_terminal_shows_titles_as_they_are() -> None:
    """Text that looks like console markup stays text."""
    console = Console(width=120, record=True, file=io.StringIO())
    tables.show(findings(pull(title="[bold]not bold[/bold] [link=x]y")), console)
    assert "[bold]not bold[/bold] [link=x]y" in console.export_text()


def test_the_first_run_says_what_it_fetched(tmp_path: Path) -> None:
    """There is nothing to compare it with."""
    summary = changes.summarise_changes(finished(tmp_path, fetched="120", requests="3", quarantined="2"))
    assert summary == "120 pull requests fetched in 3 requests for 1 repository. 2 invalid documents were quarantined."


def test_a_second_run_says_that_nothing_changed(tmp_path: Path) -> None:
    """And that its results are those of the run before."""
    finished(tmp_path, "earlier", fetched="120").save()
    summary = changes.summarise_changes(finished(tmp_path))
    assert summary.startswith("Incremental: nothing changed since 2")
    assert summary.endswith("UTC: 1 request for 1 repository; dataset and model unchanged.")


def test_a_run_after_changes_says_how_many(tmp_path: Path) -> None:
    """New ones and updated ones apart."""
    finished(tmp_path, "earlier", fetched="120").save()
    assert "Incremental: 12 new, 3 updated since 2" in changes.summarise_changes(
        finished(tmp_path, fetched="12", updated="3")
    )


def test_a_run_of_other_repositories_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """The arguments have to be the same, and the run a success."""
    earlier, other = finished(tmp_path, "failed"), finished(tmp_path, "other")
    earlier.phase = Phase.FAILED
    earlier.save()
    other.arguments = {"repositories": json.dumps(["c/d"])}
    other.save()
    assert changes.find_previous(finished(tmp_path)) is None


def test_outputs_are_summed_up_in_a_line() -> None:
    """Numbers readable, lists counted, long references left out."""
    outputs = {"rows": "4200", "rejected_share": "0.01234", "repositories": '["a/b", "c/d"]', "data_hash": "f" * 64}
    assert (
        summarise(outputs | {"trainable": "true"})
        == "rows 4,200 · rejected share 0.0123 · repositories 2 · trainable true"
    )

"""A backtest counts as the webhook does, says it in words, and shows strangers' titles without harm."""

import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.backtest import command, page, plot
from local.backtest.result import (
    Backtest,
    BacktestEntry,
    BudgetOutcome,
    FlaggedPullRequest,
    apply_weekly_budget,
    week_start,
)
from local.backtest.source import resolve_repository
from steps.common.dataset import Manifest
from steps.common.errors import ConfigurationError, NotFound
from steps.serve.webhooks.alerts import format_week

ROOT = Path(__file__).parents[2]
HOSTILE = '<script>alert(1)</script> "onmouseover="x {{ 7*7 }} [bold]'
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
THRESHOLD = 6.0


def level(score: float) -> str:
    """As a model says it."""
    return "standard" if score <= THRESHOLD else "high" if score > 9 else "unusual"


def backtest(scores: list[float], *, every: timedelta = timedelta(days=1), **changed: Any) -> Backtest:
    """A backtest of pull requests with these scores, opened one after the other; half were trained on."""
    weekly = changed.get("weekly", 5)
    times = [MONDAY + every * place for place in range(len(scores))]
    alerted = iter(
        apply_weekly_budget((at for at, score in zip(times, scores, strict=True) if score > THRESHOLD), weekly)
    )
    opened = [
        BacktestEntry(
            place, at, score, level(score), "train" if place < len(scores) / 2 else "test", score > 6 and next(alerted)
        )
        for place, (at, score) in enumerate(zip(times, scores, strict=True))
    ]
    plain: dict[str, Any] = {
        "repository": "a/b",
        "version": "3",
        "weekly": weekly,
        "requested": len(scores),
        "threshold": THRESHOLD,
        "alert_budget": 0.01,
        "opened": opened,
        "flagged": [flagged(one) for one in opened if one.is_flagged],
        "budgets": [BudgetOutcome(0.005, 8.0, 1, 1, own=False), BudgetOutcome(0.01, 6.0, 2, 2, own=True)],
    }
    return Backtest(**plain | changed)


def flagged(one: BacktestEntry, **changed: Any) -> FlaggedPullRequest:
    """The whole of a flagged one."""
    plain = {
        "id": f"a/b#{one.number}",
        "repository": "a/b",
        "number": one.number,
        "created_at": one.at.isoformat(),
        "score": one.score,
        "level": one.level,
        "reasons": ["changes 9 files"],
        "title": "A title",
        "url": f"https://github.com/a/b/pull/{one.number}",
        "alerted": one.alerted,
        "split": one.split,
    }
    return FlaggedPullRequest.model_validate(plain | changed)


def printed(found: Backtest) -> str:
    """Return the terminal output."""
    console = Console(width=140, record=True, file=io.StringIO())
    command.show(found, console)
    return console.export_text()


class Tags(HTMLParser):
    """Gathers the tags of a page with their attributes, and each element's text by its id."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._id: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.found.append((tag, dict(attrs)))
        self._id = dict(attrs).get("id")

    def handle_data(self, data: str) -> None:
        """Keep the first text of an element that has an id."""
        if self._id:
            self.texts.setdefault(self._id, data.strip())


@pytest.mark.parametrize(
    ("weekly", "alerted"),
    [(0, [False] * 4), (1, [True, False, True, False]), (2, [True, True, True, True]), (9, [True] * 4)],
)
def test_the_first_few_of_each_week_raise_alerts(weekly: int, alerted: list[bool]) -> None:
    """Sunday's last second still belongs to the week before Monday's first."""
    sunday = MONDAY - timedelta(seconds=1)
    assert apply_weekly_budget([sunday - timedelta(days=2), sunday, MONDAY, MONDAY], weekly) == alerted


def test_a_week_is_the_one_that_the_webhook_counts_by() -> None:
    """At the turn of a year, too: its week belongs to one year only."""
    days = [datetime(2024, 12, 20, 23, 59, tzinfo=UTC) + timedelta(hours=9 * step) for step in range(60)]
    assert all((week_start(a) == week_start(b)) == (format_week(a) == format_week(b)) for a in days for b in days)


@pytest.mark.parametrize(
    ("pulls", "every", "count", "words"),
    [
        (15, timedelta(days=1), 5, "about 2.5 a week"),
        (15, timedelta(days=1), 2, "about 1.0 a week"),
        (15, timedelta(days=1), 1, "about one in 2.0 weeks"),
        (101, timedelta(days=14), 5, "about one in 40 weeks"),
        (15, timedelta(days=1), 0, "none"),
        (1, timedelta(days=1), 1, "about 7.0 a week"),
    ],
)
def test_a_rate_is_formatted_naturally(pulls: int, every: timedelta, count: int, words: str) -> None:
    """By the week where there is one each week, else one in so many weeks."""
    assert backtest([1.0] * pulls, every=every).format_rate(count) == words


def test_weeks_and_splits_add_up_to_the_whole() -> None:
    """Each pull request is in one of each."""
    found = backtest([1.0, 7.0, 9.5, 2.0] * 10, weekly=1)
    weeks = found.weeks
    assert [one.start for one in weeks] == sorted((one.start for one in weeks), reverse=True)
    assert sum(one.opened for one in weeks) == len(found.opened)
    assert sum(one.flagged for one in weeks) == len(found.flagged) == 20
    assert sum(one.alerted for one in weeks) == found.alert_count == len(weeks)
    assert found.held_back == 20 - len(weeks)
    assert found.splits == {"train": (20, 10), "test": (20, 10)}


def test_the_terminal_shows_the_flagged_ones_and_what_they_come_to() -> None:
    """The newest first; then counts, rates, alerts, splits and other budgets."""
    words = printed(backtest([1.0, 7.0, 9.5, 2.0, *[1.0] * 11], weekly=1))
    assert words.index("#2") < words.index("#1")
    assert all(part in words for part in ("A title", "changes 9 files", "high", "held back", "2026-06-02"))
    assert "Flagged 2 of 15 (13.3 %), opened from 2026-06-01 to 2026-06-15: about 1.0 a week." in words
    assert "With at most 1 alert per week, 1 would be raised, 1 held back." in words
    assert "2 of the 8 that the model was trained on, 0 of the 7 that the model has never seen" in words
    assert "Its alert budget is 1.0 % of pull requests; others would flag 1 at 0.5 %." in words


def test_none_flagged_and_fewer_than_requested_are_reported() -> None:
    """On the terminal and on the page; what there is, is taken."""
    found = backtest([1.0, 2.0], requested=500)
    assert "The dataset has only 2 pull requests of a/b; all of them are used." in printed(found)
    assert "(500 were requested; the dataset has no more.)" in page.render(found)
    assert "Flagged 0 of 2 (0.0 %)" in printed(found)
    assert "all of them are usual for this repository" in page.render(found)


def test_a_hostile_title_is_text_and_nothing_else() -> None:
    """No element and no attribute of the page, and no markup of the terminal, comes from what strangers wrote."""
    plain = backtest([1.0, 7.0])
    hurt = flagged(plain.opened[1], title=HOSTILE, reasons=[HOSTILE], repository=HOSTILE)
    hostile = backtest([1.0, 7.0], repository=HOSTILE, flagged=[hurt])
    written = page.render(hostile)
    assert Tags(written).found == Tags(page.render(plain)).found
    assert "{{ 7*7 }}" in written
    assert "[bold]" in printed(hostile)


def test_the_page_needs_nothing_but_itself() -> None:
    """No script, style sheet, picture or font from anywhere else; links lead to pull requests or within the page."""
    tags = Tags(page.render(backtest([1.0, 7.0, 9.5]))).found
    assert {"script", "link", "iframe", "img"}.isdisjoint(tag for tag, _ in tags)
    addresses = [str(attributes["href"]) for _, attributes in tags if "href" in attributes]
    assert all(address.startswith(("#", "https://github.com/a/b/pull/")) for address in addresses)


def test_every_plot_has_a_name_and_a_description_in_words() -> None:
    """For whoever does not see it."""
    tags = Tags(page.render(backtest([1.0, 7.0, 9.5])))
    plots = [attributes for tag, attributes in tags.found if tag == "svg" and attributes.get("role") == "img"]
    assert len(plots) == 2
    for one in plots:
        title, words = (tags.texts[name] for name in str(one["aria-labelledby"]).split())
        assert title
        assert re.search(r"\d", words)
    assert all("aria-hidden" in a or "role" in a for tag, a in tags.found if tag == "svg")


def test_a_long_list_is_folded() -> None:
    """The first ones are open, the others a click away; the terminal names how many there are."""
    found = backtest([7.0] * (page.MAX_SHOWN + 3), every=timedelta(hours=1))
    assert "<summary>3 more</summary>" in page.render(found)
    assert "… and 3 older." in printed(found)


@pytest.mark.parametrize("scores", [[5.0], [0.0, 0.0, 0.0], [0.1, 40.0], [2.0, 6.0, 12.3] * 30])
@pytest.mark.parametrize("every", [timedelta(0), timedelta(minutes=1), timedelta(days=40)])
def test_whatever_the_scores_everything_is_inside_the_plots(scores: list[float], every: timedelta) -> None:
    """Dots, marks and bars; the parts of the time cover all of it."""
    found = backtest(scores, every=every)
    drawn, histogram = plot.build_score_plot(found), plot.build_histogram(found)
    places = [place for dot in drawn.dots for place in (dot.x, dot.y)]
    places += [drawn.threshold, histogram.threshold, *(m.at for m in (*drawn.levels, *drawn.dates, *histogram.limits))]
    places += [place for bar in histogram.bars for place in (bar.x, bar.x + bar.width, bar.y, bar.y + bar.height)]
    assert all(0 <= place <= 100 for place in places)
    assert len(drawn.dots) == sum(bar.pulls for bar in histogram.bars) == len(scores)
    assert sum(part.width for part in drawn.bands) == pytest.approx(100)
    assert len(histogram.limits) <= plot.MAX_BARS + 1


def test_higher_scores_and_later_openings_are_further_up_and_right() -> None:
    """Above the line of the threshold are the flagged ones and no others."""
    found = backtest([1.0, 5.9, 6.1, 12.0])
    drawn = plot.build_score_plot(found)
    assert [dot.x for dot in drawn.dots] == sorted(dot.x for dot in drawn.dots)
    assert [dot.y for dot in drawn.dots] == sorted((dot.y for dot in drawn.dots), reverse=True)
    assert [dot.y < drawn.threshold for dot in drawn.dots] == [False, False, True, True]


def test_the_page_stays_in_its_folder(tmp_path: Path) -> None:
    """Whatever a repository is called."""
    path = page.write(backtest([1.0], repository="../a/b c"), tmp_path)
    assert path == tmp_path / "backtest-..-a-b-c.html"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["flask", "a/b/c", "https://github.com/a/b", "a/ b", ""])
def test_an_invalid_repository_name_is_refused(name: str, tmp_path: Path) -> None:
    """Before anything is started."""
    with pytest.raises(ConfigurationError, match="is not a repository name"):
        command.run(name, 500, 5, tmp_path, Console(file=io.StringIO()))


def test_without_any_run_there_is_no_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words say what to run first; nothing is made."""
    monkeypatch.delenv("MLFLOW_URI", raising=False)
    with pytest.raises(NotFound, match=r"no champion model yet.*make run"):
        command.run("a/b", 500, 5, tmp_path, Console(file=io.StringIO()))
    assert not list(tmp_path.iterdir())


def test_a_repository_that_the_model_does_not_know_is_refused_with_those_that_it_does() -> None:
    """Up to ten by name; upper and lower case are the same, as on GitHub."""
    named: dict[str, Any] = {"repositories": {f"Octo/number-{place:02}": None for place in range(12)}}
    manifest = Manifest.model_construct(None, **named)
    assert resolve_repository("octo/NUMBER-03", manifest) == "Octo/number-03"
    with pytest.raises(NotFound, match=r"which contains Octo/number-00, .*number-09 and 2 more\..*REPOS=\"a/b\""):
        resolve_repository("a/b", manifest)

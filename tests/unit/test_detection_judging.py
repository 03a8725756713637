"""Candidates are judged as of the moment of their opening, and leave no trace."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from benchmarks.detection import product
from benchmarks.detection.judging import Candidate, Merges, RepositoryPass
from benchmarks.detection.records import Injected
from benchmarks.detection.rules import anti_slop, five_lines, lines_added, score_by_rules
from steps.common.pull_request import PullRequest
from steps.preprocess.anomalies import KINDS
from steps.preprocess.held_out import HELD_OUT_KINDS
from steps.preprocess.injection import Text
from steps.scoring.history import History
from tests.support.pulls import START

REPOSITORY = "owner/name"
FOREIGN = [Text("other/one", f"Retune the carburettor {n}", "Petrol valves and pistons") for n in range(20)]

FILE = {"filename": "src/parser.py", "status": "modified", "additions": 10, "deletions": 3}


def pull(number: int, **changes: Any) -> PullRequest:
    """One pull request every three hours, merged a day later."""
    at = START + timedelta(hours=3 * number)
    raw = {
        "number": number,
        "title": f"Fix the parser for case {number % 7}",
        "body": "It failed on empty input; now it does not.",
        "user": {"login": f"dev-{number % 9}"},
        "state": "closed",
        "created_at": at.isoformat(),
        "updated_at": at.isoformat(),
        "merged_at": (at + timedelta(days=1)).isoformat(),
        "additions": 10 + number % 13,
        "deletions": 3,
        "changed_files": 1 + number % 3,
        "commits": 1,
        "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
    }
    return PullRequest.model_validate(raw | changes)


def inject(hours: float, kind: str = "given", group: str | None = None, **changes: Any) -> Injected:
    """A pull request to inject so many hours after the start."""
    at = START + timedelta(hours=hours)
    raw = pull(9_000, created_at=at.isoformat(), merged_at=None, **changes).model_dump(mode="json")
    return Injected(raw, kind, REPOSITORY, group)


def judged(
    pulls: Sequence[PullRequest], given: Sequence[Injected] = (), later: Sequence[int] = (), *, draw: bool = False
) -> list[Candidate]:
    """What a pass over one repository yields."""
    injector = product.Injector(FOREIGN, 1) if draw else None
    return list(RepositoryPass(History(), set(later), injector, given).judge(pulls))


def test_only_later_ones_are_judged_but_all_are_learned_from() -> None:
    """With the features that a pass of one's own over the history gives."""
    pulls = [pull(number) for number in range(1, 60)]
    found = judged(pulls, later=(58, 59))
    history = History()
    for row in product.to_rows(pulls[:-1]):
        history.update(row)
    (last,) = product.to_rows(pulls[-1:])
    expected = product.to_vector(product.complete(last, history))
    assert [one.row["number"] for one in found] == [58, 59]
    assert product.to_vector(found[-1].row).tolist() == expected.tolist()


def test_an_injected_one_meets_the_history_of_its_moment_and_leaves_no_trace() -> None:
    """What comes later is the same with it and without it, and it itself is the same whatever comes later."""
    pulls = [pull(number) for number in range(1, 60)]
    strange = inject(50 * 3 + 1, title="Rewrite everything", additions=90_000, user={"login": "stranger"})
    without, beside = judged(pulls, later=range(51, 60)), judged(pulls, [strange], later=range(51, 60))
    assert [one.row["number"] for one in beside[:2]] == [9_000, 51]
    vectors = [product.to_vector(one.row).tolist() for one in beside]
    assert vectors[1:] == [product.to_vector(one.row).tolist() for one in without]
    (early,) = judged(pulls[:50], [strange])
    assert product.to_vector(early.row).tolist() == vectors[0]


def test_an_injected_one_after_the_last_is_judged_too() -> None:
    """And one before the first."""
    assert [one.kind for one in judged([pull(1)], [inject(0, "early"), inject(99, "late")])] == ["early", "late"]


def test_those_of_one_group_see_the_earlier_ones_of_it() -> None:
    """A burst is a burst only together."""
    pulls = [pull(number) for number in range(1, 60)]
    words = {"title": "Add my new awesome website link", "body": "Please merge my awesome website link"}
    people = [{"login": f"stranger-{number}"} for number in range(4)]

    def duplicates(group: str | None) -> list[float]:
        given = [inject(150 + place / 10, "burst", group, user=who, **words) for place, who in enumerate(people)]
        return [float(one.row["near_duplicates"]) for one in judged(pulls, given)]

    assert duplicates(None) == [0.0] * 4
    together = duplicates("one")
    assert together == sorted(set(together))
    assert together[0] == 0.0


def test_the_products_kinds_are_drawn_beside_later_ones_only() -> None:
    """The same ones each time, with no trace in what follows."""
    pulls = [pull(number, files=[FILE], changed_files=1) for number in range(1, 700)]
    later = range(300, 700)
    found = judged(pulls, later=later, draw=True)
    kinds = {one.kind for one in found if one.kind}
    assert kinds == {kind.__name__ for kind in (*KINDS, *HELD_OUT_KINDS)}
    assert [one.row for one in found] == [one.row for one in judged(pulls, later=later, draw=True)]
    real = [one.row for one in found if one.kind is None]
    assert real == [one.row for one in judged(pulls, later=later)]


def test_merges_count_once_they_have_happened() -> None:
    """Not when a pull request that will be merged is opened."""
    merges = Merges()
    merges.update(pull(1, user={"login": "her"}))
    merged_at = START + timedelta(hours=27)
    assert merges.count("her", merged_at - timedelta(seconds=1)) == 0
    assert merges.count("her", merged_at) == 1
    assert merges.count("him", merged_at) == 0


@pytest.mark.parametrize(("account", "young"), [(None, None), (1_000, False), (400_000_000, True)])
def test_an_account_is_young_by_its_number(account: int | None, young: bool | None) -> None:
    """Without a number its age is not known."""
    (one,) = judged([pull(1, user={"login": "her", "id": account})], later=[1])
    assert one.is_young is young


@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        ({}, 0),
        ({"body": ""}, 1),
        ({"body": "`a` `b` `c` `d` `e` `f` " + "x" * 2_500}, 2),
        ({"title": "🚀 Add ✨ sparkle ✅"}, 1),
        ({"additions": 10_000, "changed_files": 51}, 2),
        ({"user": {"login": "buyer1234567"}}, 1),
        ({"user": {"login": "somebody", "id": 400_000_000}}, 1),
        ({"head": {"ref": "master"}}, 1),
        ({"files": [{"filename": "README.md", "status": "modified", "additions": 1, "deletions": 0}]}, 1),
        ({"body": "", "user": {"login": "renovate[bot]"}}, 0),
    ],
)
def test_anti_slop_counts_failed_checks(changes: dict[str, Any], failures: int) -> None:
    """Bots are exempt, as there."""
    (one,) = judged([pull(1, **changes)], later=[1])
    assert anti_slop(one) == failures


def test_anti_slop_exempts_whoever_has_merged_much() -> None:
    """As it does members."""
    (one,) = judged([pull(1, body="")], later=[1])
    assert anti_slop(one) == 1
    assert anti_slop(Candidate(one.row, None, 25, None)) == 0


def test_rules_give_more_points_to_what_is_stranger() -> None:
    """Each is a score [candidates] like any other."""
    plain, strange = judged(
        [pull(1), pull(2, additions=20_000, body="", title="Update README.md", changed_files=80)], later=[1, 2]
    )
    assert lines_added(strange) == 20_000
    assert five_lines(strange) > five_lines(plain)
    assert {name: len(values) for name, values in score_by_rules([plain, strange]).items()} == {
        "lines_added": 2,
        "five_line_rule": 2,
        "anti_slop": 2,
    }

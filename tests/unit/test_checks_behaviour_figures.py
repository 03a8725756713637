"""The figures of the comparison with the active model: what they are, and from which answers they come."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rollouts.checks import behaviour
from tests.support import stub_service
from tests.support.sides import ACTIVE, CANDIDATE, DIGEST, IDS, INJECTED, IS_INJECTED, REAL, verdict


def test_the_stability_index_is_what_it_is_called() -> None:
    """Zero for the same, the same either way round, and known for two bins that swap their shares."""
    few, many = np.array([0.5] * 250 + [1.5] * 750), np.array([0.5] * 750 + [1.5] * 250)
    assert behaviour.psi(few, few) == 0
    assert behaviour.psi(few, many) == pytest.approx(behaviour.psi(many, few)) == pytest.approx(np.log(3), rel=0.02)


def test_scores_of_one_value_have_no_correlation_and_of_two_they_have() -> None:
    """Whichever side it is."""
    flat = replace(CANDIDATE, scores=np.ones(len(IDS)))
    two = replace(CANDIDATE, scores=np.where(IS_INJECTED, 2.0, 1.0))
    assert np.isnan(behaviour.correlation(flat, ACTIVE))
    assert np.isnan(behaviour.correlation(CANDIDATE, flat))
    assert behaviour.correlation(two, replace(two, scores=2 * two.scores)) == pytest.approx(1)


def test_scores_beyond_all_numbers_have_no_correlation() -> None:
    """Whichever side it is; they could be ranked."""
    endless = replace(CANDIDATE, scores=np.where(IS_INJECTED, np.inf, CANDIDATE.scores))
    assert np.isnan(behaviour.correlation(endless, ACTIVE))
    assert np.isnan(behaviour.correlation(CANDIDATE, endless))


def test_the_stability_index_is_exact() -> None:
    """Thirteen bins, from below 1 to 12 and more, with half a score added to each."""
    few, many = np.array([0.5] * 250 + [1.5] * 750), np.array([0.5] * 750 + [1.5] * 250)
    apart = 2 * (500 / 1006.5) * np.log(750.5 / 250.5)
    assert behaviour.psi(few, many) == pytest.approx(apart, abs=1e-9)
    assert behaviour.psi(np.array([12.5] * 10), np.array([13.5] * 10)) == 0
    assert behaviour.psi(np.array([11.5] * 10), np.array([12.5] * 10)) > 1


def test_the_verdict_tells_figures_and_who_disagrees() -> None:
    """The ten that lie farthest apart, from the farthest on."""
    flagged = ACTIVE.flagged.copy()
    apart = np.arange(12) * 7
    flagged[apart] = ~flagged[apart]
    scores = ACTIVE.scores.copy()
    scores[apart] += np.linspace(0.1, 0.4, 12)
    seen = verdict(replace(CANDIDATE, scores=scores, flagged=flagged)).seen
    before, after = (int(one[:REAL].sum()) for one in (ACTIVE.flagged, flagged))
    found = int(ACTIVE.flagged[REAL:].sum())
    assert seen[0] == "400 real and 80 injected pull requests"
    assert seen[1].startswith("rank correlation ")
    assert seen[2].startswith("population stability index 0.0")
    assert seen[3:6] == [
        f"flagged real pull requests: {after / REAL:.1%}, by the active model {before / REAL:.1%}",
        f"flagged injected pull requests: {found / INJECTED:.1%}, by the active model {found / INJECTED:.1%}",
        "12 are flagged by one side only",
    ]
    listed = [line.partition(":")[0].strip() for line in seen[6:]]
    assert listed == [IDS[place] for place in apart[::-1][:10]]
    assert seen[6] == f"  {IDS[77]}: {scores[77]:.2f}, by the active model {ACTIVE.scores[77]:.2f}"


PULLS = [{"number": number, "base": {"repo": {"full_name": "owner/name"}}} for number in (1, 2)]


def answer_scores(path: str, body: Any) -> tuple[int, dict[str, str], Any]:
    """A service that knows the history of the first pull request only, and flags the second."""
    model = {"digest": DIGEST}
    if path == "/model":
        return 200, {}, model
    results = [
        {"id": f"owner/name#{number}", "score": float(number), "percentile": 50.0, "threshold": 1.5}
        | {"unusual": number == 2, "level": "unusual" if number == 2 else "standard", "reasons": ["so"]}
        | {"history": "repository" if number == 1 else "overall"}
        for number in (one["number"] for one in body["pull_requests"])
    ]
    return 200, {"X-Model-Digest": DIGEST}, {"model": model, "results": results}


def test_a_service_is_asked_for_all_scores() -> None:
    """Who it is, what it gives, what it flags, and whose history it knew."""
    with stub_service.serve(answer_scores) as service:
        found = behaviour.score_all(service.address, PULLS)
    assert (found.address, found.digest, found.failure) == (service.address, DIGEST, "")
    assert (found.scores.tolist(), found.flagged.tolist()) == ([1.0, 2.0], [False, True])
    assert found.known.tolist() == [True, False]


def test_a_service_that_fails_says_why() -> None:
    """With its digest, if it got so far."""
    with stub_service.serve(lambda path, body: (503, {}, {})) as service:
        found = behaviour.score_all(service.address, PULLS)
    assert (found.digest, found.failure) == ("", f"HTTP 503 from {service.address}/model")
    with stub_service.serve(lambda path, body: (200, {}, {"digest": DIGEST})) as service:
        found = behaviour.score_all(service.address, PULLS)
    assert (found.digest, found.failure) == (DIGEST, "not JSON with a model and results")

"""The action that brings back an image in each state of the Rollout; and the analyses that count."""

from types import SimpleNamespace
from typing import Any

import pytest

from release import analysis, image_registry, rollback
from release.cluster import RolloutRevision, RolloutState, read_state
from release.images import SERVE, UNRELEASED, Release, ReleasedModel
from release.rollback import RolloutAction, choose_action
from release.settings import ImageSettings
from steps.common.errors import ConfigurationError, NotFound
from tests.support.production import Production

OLD, NEW, OTHER = "registry.example/a@old", "registry.example/a@new", "registry.example/a@other"
FIRST = RolloutRevision(1, "h1", OLD, ReleasedModel("", ""))
SECOND = RolloutRevision(2, "h2", NEW, ReleasedModel("", ""))
THIRD = RolloutRevision(3, "h3", OLD, ReleasedModel("", ""))


def stands(*revisions: RolloutRevision, active: str, stable: str, current: str, aborted: bool = False) -> RolloutState:
    return RolloutState({one.pod_hash: one for one in revisions}, active, current, stable, current, aborted)


@pytest.mark.parametrize(
    ("standing", "wanted"),
    [
        (stands(FIRST, SECOND, active="h2", stable="h2", current="h2"), RolloutAction("undo", FIRST)),
        (stands(FIRST, SECOND, THIRD, active="h2", stable="h2", current="h2"), RolloutAction("undo", THIRD)),
        (stands(FIRST, SECOND, active="h2", stable="h1", current="h2"), RolloutAction("abort")),
        (stands(FIRST, SECOND, active="h1", stable="h1", current="h2"), RolloutAction("abort")),
        (stands(FIRST, SECOND, active="h2", stable="h1", current="h2", aborted=True), RolloutAction("abort")),
        (stands(FIRST, SECOND, active="h1", stable="h1", current="h2", aborted=True), RolloutAction("none")),
        (stands(FIRST, SECOND, active="h1", stable="h1", current="h1"), RolloutAction("none")),
        (stands(FIRST, SECOND, active="h2", stable="h2", current="h1"), RolloutAction("promote", FIRST)),
        (stands(SECOND, active="h2", stable="h2", current="h2"), RolloutAction("gone")),
        (stands(active="h2", stable="h2", current="h2"), RolloutAction("gone")),
    ],
)
def test_the_action_that_brings_the_image_back_is_chosen(standing: RolloutState, wanted: RolloutAction) -> None:
    """The newest revision that has it; nothing where users have it and nothing else is under way."""
    assert choose_action(standing, OLD) == wanted


@pytest.mark.parametrize(
    ("state", "done", "words"),
    [
        (stands(FIRST, SECOND, active="h2", stable="h2", current="h2"), ("undo", 1), "back at revision 1"),
        (stands(FIRST, SECOND, active="h2", stable="h1", current="h2"), "abort", "the stable revision serves"),
        (stands(FIRST, SECOND, active="h2", stable="h2", current="h1"), "promote", "it is now promoted"),
        (stands(SECOND, active="h2", stable="h2", current="h2"), None, "merging the pull request brings it back"),
        (stands(FIRST, SECOND, active="h1", stable="h1", current="h1"), None, "already serves this version"),
    ],
)
@pytest.mark.parametrize("held", [False, True, None])
def test_argo_cd_is_paused_before_the_rollout_goes_back(
    state: RolloutState, done: Any, words: str, held: bool | None
) -> None:
    """Where it is there and not paused yet; and what was done is said."""
    said: list[str] = []
    production: Any = Production(state, held)
    rollback.restore_rollout(production, production, Release({SERVE: OLD}, ReleasedModel("", "")), said.append)
    expected = ([("hold", True)] if held is False else []) + ([done] if done else [])
    assert production.done == expected
    assert words in said[-1]
    assert len(said) == 1 + (held is False)


def test_a_rollout_that_argo_cd_keeps_is_left_alone_if_it_can_not_be_paused() -> None:
    """It would be brought forward again at once; where Argo CD is found it is paused, and all is well."""
    state = stands(FIRST, SECOND, active="h2", stable="h2", current="h2")._replace(is_synced=True)
    release, said = Release({SERVE: OLD}, ReleasedModel("", "")), list[str]()
    production: Any = Production(state, None)
    with pytest.raises(ConfigurationError, match="its application, to be paused, was not found"):
        rollback.restore_rollout(production, production, release, said.append)
    assert (production.done, said) == ([], [])
    for held in (True, False):
        production = Production(state, held)
        rollback.restore_rollout(production, production, release, said.append)
        assert production.done[-1] == ("undo", 1)


def test_a_release_is_found_whose_image_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry is asked before anything is touched; without any release, none is named."""
    checked: list[Any] = []
    monkeypatch.setattr(image_registry, "check_image", lambda *given: checked.append(given))
    release, settings = Release({SERVE: OLD}, ReleasedModel("d", "1")), ImageSettings()
    history: Any = SimpleNamespace(history=lambda branch: [release] if branch == "main" else [])
    assert rollback.find_release(history, "1", settings) == release
    assert checked == [(OLD, settings)]
    empty: Any = SimpleNamespace(history=lambda _: [Release({}, ReleasedModel(UNRELEASED, UNRELEASED))])
    with pytest.raises(NotFound) as refused:
        rollback.find_release(empty, "1", settings)
    assert refused.value.advice == "Versions it had: none."


def replica_set(uid: str, pod_hash: str, image: str) -> dict[str, object]:
    return {
        "metadata": {
            "ownerReferences": [{"uid": uid}],
            "labels": {"rollouts-pod-template-hash": pod_hash},
            "annotations": {"rollout.argoproj.io/revision": "1"},
        },
        "spec": {"template": {"metadata": {}, "spec": {"containers": [{"image": image}]}}},
    }


def run(name: str, pod_hash: str, created: str, phase: str, kind: str = "PrePromotion") -> dict[str, object]:
    labels = {"rollouts-pod-template-hash": pod_hash, "rollout-type": kind}
    results = [{"name": "identity", "phase": phase}]
    return {
        "metadata": {"name": name, "labels": labels, "creationTimestamp": created},
        "status": {"phase": phase, "metricResults": results},
    }


STATUS = {"currentPodHash": "h2", "stableRS": "h1", "blueGreen": {}, "observedGeneration": "7"}
ROLLOUT = {"metadata": {"uid": "one", "generation": 7}, "status": STATUS}
COMMIT = "c" * 40


def test_the_newest_analysis_of_the_current_revision_counts() -> None:
    """Not one that passed before, nor another revision's, nor another Rollout's, nor one of another kind."""
    standing = read_state(ROLLOUT, [replica_set("one", "h1", OLD), replica_set("one", "h2", NEW)])
    runs = [
        run("second", "h2", "2026-01-02T00:00:00Z", "Failed"),
        run("first", "h2", "2026-01-01T00:00:00Z", "Successful"),
        run("other", "h1", "2026-01-03T00:00:00Z", "Successful"),
        run("step", "h2", "2026-01-04T00:00:00Z", "Successful", "Step"),
    ]
    assert analysis.find_analyses(COMMIT, standing, runs) == [
        analysis.Analysis("PrePromotion", "second", COMMIT, NEW, "Failed", {"identity": "Failed"})
    ]


def test_where_users_are_split_the_stable_revision_is_active_until_the_new_one_is_promoted() -> None:
    """What the strategy before has left in the status does not count; a rollback to the stable one ends the split."""
    left = {"blueGreen": {"activeSelector": "h0", "previewSelector": "h0"}}
    split = ROLLOUT | {"spec": {"strategy": {"canary": {}}}, "status": STATUS | left}
    state = read_state(split, [replica_set("one", "h1", OLD), replica_set("one", "h2", NEW)])
    assert (state.active, state.preview) == ("h1", "h2")
    assert choose_action(state, OLD) == RolloutAction("abort")
    promoted = read_state(split | {"status": STATUS | left | {"stableRS": "h2"}}, [replica_set("one", "h2", NEW)])
    assert promoted.active == "h2"
    assert choose_action(promoted, NEW) == RolloutAction("none")


def test_the_reason_of_an_analysis_is_kept() -> None:
    """Argo's own words."""
    standing = read_state(ROLLOUT, [replica_set("one", "h2", NEW)])
    ended: dict[str, Any] = run("first", "h2", "2026-01-01T00:00:00Z", "Error")
    ended["status"]["message"] = "no quota"
    (found,) = analysis.find_analyses(COMMIT, standing, [ended])
    assert (found.phase, found.message) == ("Error", "no quota")


def test_analyses_are_in_the_order_of_their_kinds() -> None:
    """Whichever came first."""
    standing = read_state(ROLLOUT, [replica_set("one", "h2", NEW)])
    pre = run("pre", "h2", "2026-01-01T00:00:00Z", "Successful")
    post = run("post", "h2", "2026-01-02T00:00:00Z", "Successful", "PostPromotion")
    assert [one.name for one in analysis.find_analyses(COMMIT, standing, [pre, post])] == ["post", "pre"]


def test_pods_of_another_rollout_are_not_ours() -> None:
    """Though they carry the same hash."""
    standing = read_state(ROLLOUT, [replica_set("two", "h2", NEW)])
    assert analysis.find_analyses(COMMIT, standing, [run("first", "h2", "2026-01-01T00:00:00Z", "Successful")]) == []


def test_no_analysis_counts_until_the_controller_has_observed_the_revision() -> None:
    """Those that there are may be of the revision before."""
    unseen = {**ROLLOUT, "metadata": {"uid": "one", "generation": 8}}
    standing = read_state(unseen, [replica_set("one", "h2", NEW)])
    assert standing.current is None
    assert analysis.find_analyses(COMMIT, standing, [run("first", "h2", "2026-01-01T00:00:00Z", "Successful")]) == []


def test_an_analysis_that_has_not_begun_is_pending() -> None:
    """And has measured nothing."""
    standing = read_state(ROLLOUT, [replica_set("one", "h2", NEW)])
    begun = run("first", "h2", "2026-01-01T00:00:00Z", "Successful") | {"status": {}}
    (found,) = analysis.find_analyses(COMMIT, standing, [begun])
    assert (found.phase, found.metrics) == ("Pending", {})


def test_an_analysis_that_was_ended_before_its_end_has_not_passed() -> None:
    """Though Argo Rollouts calls it successful, and each of its metrics too."""
    standing = read_state(ROLLOUT, [replica_set("one", "h2", NEW)])
    ended = run("first", "h2", "2026-01-01T00:00:00Z", "Successful") | {"spec": {"terminate": True}}
    (found,) = analysis.find_analyses(COMMIT, standing, [ended])
    assert found.phase == "Terminated"
    wanted = {kind: set(found.metrics) for kind in analysis.KINDS}
    assert "PrePromotion: it is Terminated" in analysis.find_objections([found], COMMIT, NEW, wanted)


def test_a_template_without_metrics_measures_nothing() -> None:
    """So nothing passes by it."""
    rollout = {"kind": "Rollout", "metadata": {"name": "model-serving"}, "spec": {"strategy": {"blueGreen": {}}}}
    assert analysis.find_expected_metrics([rollout]) == {"PrePromotion": set(), "PostPromotion": set()}
    rollout["spec"] = {"strategy": {"blueGreen": {"prePromotionAnalysis": {"templates": [{"templateName": "none"}]}}}}
    assert analysis.find_expected_metrics([rollout])["PrePromotion"] == set()

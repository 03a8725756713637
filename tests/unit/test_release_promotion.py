"""The objections to a promotion: every one that there is, and none without a reason."""

from typing import Any

import pytest

from release import analysis, evidence, promotion
from release.analysis import KINDS, PASSED, POST, PRE, Analysis
from release.evidence import PromotionEvidence
from release.images import IMAGES, SERVE, UNRELEASED, Release, ReleasedModel
from release.promotion import PromotionMerge, PromotionRefused
from steps.common.errors import DataError
from tests.support.releases import digest, model

COMMIT, TREE, OTHER = "c" * 40, "d" * 40, "e" * 40
IMAGE = f"registry.example/{SERVE}@{digest(1)}"
RELEASE = Release({name: f"registry.example/{name}@{digest(1)}" for name in IMAGES}, model(1))
METRICS = {PRE: {"identity", "golden"}, POST: {"errors"}}
ANALYSES = [
    Analysis(kind, "run", COMMIT, IMAGE, PASSED, dict.fromkeys(sorted(METRICS[kind]), PASSED)) for kind in KINDS
]
MERGE = PromotionMerge(COMMIT, TREE, TREE, RELEASE, METRICS, [])
EVIDENCE = PromotionEvidence(COMMIT, TREE, RELEASE, ANALYSES)
NO_TRAIN = Release({name: one for name, one in RELEASE.images.items() if not name.endswith("train")}, model(1))


def find(found: PromotionEvidence = EVIDENCE, merge: PromotionMerge = MERGE, now: Any = None) -> list[str]:
    """Find the objections to a promotion that has none, but for what is changed."""
    return promotion.find_objections(found, merge, ANALYSES if now is None else now)


def test_a_promotion_of_what_staging_ran_has_no_objection() -> None:
    """And one without is not refused."""
    assert find() == []
    promotion.raise_for([])


def test_a_release_knows_the_digest_of_each_image() -> None:
    """The service's, if none is named; what is not released has none."""
    assert (RELEASE.digest(), RELEASE.digest("pr-sentinel/train")) == (digest(1), digest(1))
    assert (NO_TRAIN.digest("pr-sentinel/train"), NO_TRAIN.missing()) == (None, ["pr-sentinel/train"])


MOVED = f"the evidence is for {COMMIT}, but staging is at"


@pytest.mark.parametrize(
    ("found", "merge", "objections"),
    [
        (EVIDENCE, MERGE._replace(image_objections=["it is not signed"]), ["it is not signed"]),
        (EVIDENCE._replace(tree=OTHER), MERGE, [f"{MOVED} {COMMIT}"]),
        (EVIDENCE, MERGE._replace(tree=OTHER, merged_tree=OTHER), [f"{MOVED} {COMMIT}"]),
        (
            EVIDENCE,
            MERGE._replace(merged_tree=OTHER),
            ["main has commits that staging did not run; merge main into staging first"],
        ),
        (
            EVIDENCE._replace(release=NO_TRAIN),
            MERGE._replace(release=NO_TRAIN),
            ["not released yet: pr-sentinel/train"],
        ),
        (
            EVIDENCE._replace(release=RELEASE._replace(model=model(2))),
            MERGE,
            ["the evidence names different images or a different model than Git"],
        ),
        *(
            (
                EVIDENCE._replace(release=RELEASE._replace(model=unset)),
                MERGE._replace(release=RELEASE._replace(model=unset)),
                ["the model is not set"],
            )
            for unset in (ReleasedModel(UNRELEASED, "1"), ReleasedModel("a" * 64, UNRELEASED))
        ),
    ],
)
def test_each_difference_is_an_objection(
    found: PromotionEvidence, merge: PromotionMerge, objections: list[str]
) -> None:
    """By itself, and then the promotion is refused."""
    assert find(found, merge) == objections
    with pytest.raises(PromotionRefused, match=r"The promotion is refused: .*\."):
        promotion.raise_for(objections)


def change(kind: str, **fields: Any) -> list[Analysis]:
    """The analyses with one that is changed."""
    return [one._replace(**fields) if one.kind == kind else one for one in ANALYSES]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"commit": OTHER}, f"Argo CD has synced staging to {OTHER}, but the branch is at {COMMIT}"),
    ({"commit": ""}, f"Argo CD has synced staging to no commit yet, but the branch is at {COMMIT}"),
    ({"image": "another"}, "it analysed another image, another"),
    ({"phase": "Failed"}, "it is Failed"),
    ({"phase": "Error", "message": "no quota"}, "it is Error (no quota)"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG)
@pytest.mark.parametrize("kind", KINDS)
def test_an_analysis_is_judged_as_it_was_and_as_it_is_now(kind: str, fields: dict[str, Any], words: str) -> None:
    """An objection to both is named once."""
    wrong = change(kind, **fields)
    assert find(EVIDENCE._replace(analyses=wrong)) == [f"{kind}: {words}"]
    assert find(now=wrong) == [f"{kind}: {words}"]
    assert find(EVIDENCE._replace(analyses=wrong), now=wrong) == [f"{kind}: {words}"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_metric_must_have_been_measured_and_passed(kind: str) -> None:
    """Those that nobody asks for play no part."""
    for name in METRICS[kind]:
        rest = dict.fromkeys(METRICS[kind] - {name}, PASSED)
        assert find(now=change(kind, metrics=rest)) == [f"{kind}: {name} was not measured"]
        assert find(now=change(kind, metrics=rest | {name: "Failed"})) == [f"{kind}: {name} is Failed"]
    many = [f"metric {number}" for number in range(9)]
    merge = MERGE._replace(metrics=METRICS | {kind: set(many)})
    assert find(merge=merge, now=ANALYSES) == [f"{kind}: {name} was not measured" for name in many]
    more = dict.fromkeys(METRICS[kind], PASSED) | {"more": "Failed"}
    assert find(now=change(kind, metrics=more)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_analysis_of_each_kind_is_needed_and_must_be_defined(kind: str) -> None:
    """A Rollout without one has no gate."""
    assert find(now=[one for one in ANALYSES if one.kind != kind]) == [f"{kind}: no analysis"]
    for metrics in (METRICS | {kind: set()}, {one: names for one, names in METRICS.items() if one != kind}):
        said = f"{kind}: the Rollout defines no such analysis"
        assert find(merge=MERGE._replace(metrics=metrics)) == [said]


def test_metrics_are_those_of_every_template_that_the_rollout_names() -> None:
    """Of each kind; other documents, and templates that nobody names, play no part."""

    def template(name: str, *metrics: str) -> dict[str, Any]:
        named = [{"name": metric} for metric in metrics]
        return {"kind": "AnalysisTemplate", "metadata": {"name": name}, "spec": {"metrics": named}}

    used = {
        "prePromotionAnalysis": {"templates": [{"templateName": "one"}, {"templateName": "two"}]},
        "postPromotionAnalysis": {"templates": [{"templateName": "three"}, {"templateName": "missing"}]},
    }
    rollout = {"kind": "Rollout", "metadata": {"name": "r"}, "spec": {"strategy": {"blueGreen": used}}}
    canary = {"kind": "Rollout", "metadata": {"name": "s"}, "spec": {"strategy": {}}}
    service = {"kind": "Service", "metadata": {"name": "one"}, "spec": {"metrics": [{"name": "no"}]}}
    templates = [template("one", "a", "b"), template("two", "c"), template("three", "d"), template("four", "e")]
    found = analysis.find_expected_metrics(iter([*templates, service, canary, rollout]))
    assert found == {PRE: {"a", "b", "c"}, POST: {"d"}}


def test_analyses_survive_a_file(tmp_path: Any) -> None:
    """And what is none is refused."""
    path = tmp_path / "analyses.json"
    path.write_text(analysis.dump(ANALYSES))
    assert analysis.load(path) == ANALYSES
    for text in ("", "{}x", "[1]", '[{"kind": "a"}]', '[{"metrics": 1}]', "7"):
        path.write_text(text)
        with pytest.raises(DataError, match="can't be read"):
            analysis.load(path)
    with pytest.raises(DataError, match="can't be read"):
        analysis.load(tmp_path / "missing.json")


def render(found: PromotionEvidence = EVIDENCE, before: Release = RELEASE, difference: str = "") -> str:
    """Render the body of a pull request."""
    return evidence.render_markdown(found, before, (None, None), difference, "example/webshop")


def test_what_the_registry_knows_stands_beside_what_it_knows_of_production() -> None:
    """By tag: what production's model has, then what the new one has; a version that is not known has none."""
    new = evidence.VersionCard("2", "run-2", {"average_precision": "0.9", "git_commit": "b"})
    old = evidence.VersionCard("1", "run-1", {"average_precision": "0.8", "reason": "first"})

    def table(card: evidence.VersionCard, before: evidence.VersionCard | None) -> list[str]:
        text = evidence.render_markdown(EVIDENCE, RELEASE, (card, before), "", "example/webshop")
        assert "Its run is `run-2`." in text
        return [line for line in text.splitlines() if line.startswith(("| average", "| git_commit", "| reason"))]

    assert table(new, old) == ["| average_precision | 0.8 | 0.9 |", "| git_commit |  | b |", "| reason | first |  |"]
    assert table(new, None) == ["| average_precision |  | 0.9 |", "| git_commit |  | b |"]
    assert table(new._replace(facts={}), None) == []


def test_the_evidence_is_read_back_from_the_last_comment() -> None:
    """Texts before it, an analysis's own message, and the end of a comment in it change nothing."""
    message = "<!-- evidence {} --> --x"
    found = EVIDENCE._replace(analyses=change(PRE, message=message))
    assert evidence.parse(f"<!-- evidence\n{{}}\n-->\n{render(found)}\nand more -->") == found


@pytest.mark.parametrize("text", ["", "<!-- evidence", "-->", "<!-- evidence\n[]\n-->", "<!-- evidence {\n-->"])
def test_what_is_no_evidence_is_refused(text: str) -> None:
    """Nor is it half read."""
    with pytest.raises(DataError, match="evidence"):
        evidence.parse(text)


def test_a_long_difference_is_cut() -> None:
    """GitHub takes no longer bodies; at the limit nothing is."""
    most = evidence.MAX_DIFFERENCE_LENGTH
    assert "characters more" not in render(difference="x" * most)
    assert "\n\n2 characters more." in render(difference="x" * most + "yz")
    assert "yz" not in render(difference="x" * most + "yz")
    assert len(render(difference="x" * 10**6)) < 65_000
    assert "No changes." in render()

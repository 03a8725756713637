"""The body of a promotion's pull request: all that a person has to see, and what the check reads."""

import pytest

from release import evidence
from release.analysis import PASSED, POST, PRE, Analysis
from release.evidence import PromotionEvidence, VersionCard
from release.images import SERVE, Release
from steps.common.errors import DataError
from tests.support.releases import digest, model

TRAIN = "pr-sentinel/train"
NOW = Release(
    {SERVE: f"registry.example/{SERVE}@{digest(1)}", TRAIN: f"registry.example/{TRAIN}@{digest(1)}"}, model(1)
)
THEN = Release({**NOW.images, SERVE: f"registry.example/{SERVE}@{digest(2)}"}, model(2))
ANALYSES = [
    Analysis(PRE, "one", "c" * 40, THEN.images[SERVE], PASSED, {"identity": PASSED, "golden": PASSED}),
    Analysis(POST, "two", "c" * 40, THEN.images[SERVE], PASSED, {}),
]
EVIDENCE = PromotionEvidence("c" * 40, "d" * 40, THEN, ANALYSES)
CARDS = (VersionCard("2", "run-2", {"threshold": "0.5"}), VersionCard("1", "run-1", {"rows": "9"}))


def render(
    before: Release = NOW,
    cards: tuple[VersionCard | None, VersionCard | None] = CARDS,
    difference: str = "+ a",
    found: PromotionEvidence = EVIDENCE,
) -> str:
    """Render what people read of it."""
    return evidence.render_markdown(found, before, cards, difference, "you/shop").partition(evidence.BEGIN)[0]


def test_each_part_shows_what_changes() -> None:
    """Tables have as many columns below the head as in it; only images that change have a row."""
    assert render() == (
        f"""Promotes what staging ran at {"c" * 40}. Use a merge commit; the check `verify` compares the trees.

### Images

| image | now | then |
|---|---|---|
| {SERVE} | `{digest(1)}` | `{digest(2)}` |

Signatures, SBOMs and provenance: [attestations](https://github.com/you/shop/attestations), """
        f"""or `gh attestation verify oci://IMAGE@DIGEST --repo you/shop`.

### Model

Version {model(2).version} (`{model(2).digest}`) replaces version {model(1).version} (`{model(1).digest}`). """
        f"""Its run is `run-2`.

| tag | now | then |
|---|---|---|
| rows | 9 |  |
| threshold |  | 0.5 |

### Analyses on staging

| kind | run | result | metrics |
|---|---|---|---|
| {PRE} | `one` | {PASSED} | golden: {PASSED}, identity: {PASSED} |
| {POST} | `two` | {PASSED} |  |

### What the cluster will change

<details>

``````diff
+ a
``````

</details>

"""
    )


def test_what_is_missing_is_said() -> None:
    """An image that was not there, no card, no analyses, no changes."""
    text = render(Release({}, model(1)), (None, None), "", EVIDENCE._replace(analyses=[]))
    assert f"| {TRAIN} | `none` | `{digest(1)}` |" in text
    for words in ("The registry was not queried.", "No analyses.", "No changes."):
        assert words in text
    assert "No image changes." in render(THEN)
    assert "| threshold |  | 0.5 |" in render(cards=(CARDS[0], None))
    assert "The registry has no tags for it." in render(cards=(VersionCard("2", "run-2", {}), None))


def test_tags_are_in_the_order_of_their_names() -> None:
    """So many that a set's own order, which differs with each process, is never theirs."""
    names = [f"tag-{number:02}" for number in range(30)]
    text = render(cards=(VersionCard("2", "run-2", dict.fromkeys(names, "")), None))
    assert [line.split()[1] for line in text.splitlines() if line.startswith("| tag-")] == names


@pytest.mark.parametrize(("length", "more"), [(40_000, ""), (40_001, "\n\n1 characters more.")])
def test_a_long_difference_is_cut(length: int, more: str) -> None:
    """GitHub refuses a body that is too long."""
    assert f"\n{'+' * 40_000}\n``````{more}\n\n</details>" in render(difference="+" * length)


@pytest.mark.parametrize("text", ["", "{} -->", "<!-- evidence {}", "--> <!-- evidence {}"])
def test_a_body_without_the_whole_comment_has_no_evidence(text: str) -> None:
    """A beginning and an end, in this order."""
    with pytest.raises(DataError, match="contains no evidence"):
        evidence.parse(text)

"""What status says where sources agree, disagree, or don't answer."""

import pytest

from release.cluster import Revision, Serving
from release.images import SERVE, Model, Release
from release.models import Champion
from release.status import Told, disagreements, lines


def image(number: int) -> str:
    return f"registry.example/serve@sha256:{number:064x}"


def release(number: int) -> Release:
    return Release({SERVE: image(number)}, Model(f"{number:064x}", str(number)))


def serving(active: int | None, preview: int | None = None, *, aborted: bool = False) -> Serving:
    revisions = {
        str(number): Revision(number, str(number), image(number), release(number).model)
        for number in (active, preview)
        if number
    }
    named = [str(number) if number else None for number in (active, preview or active)]
    return Serving(revisions, named[0], named[1], named[0], named[1], aborted)


AGREED = Told(release(3), release(2), serving(2, 3), Champion("2", 1.5))


def test_sources_that_agree_disagree_in_nothing() -> None:
    """A staging that is ahead, and a preview, are no disagreement."""
    assert disagreements(AGREED) == []
    assert dict(lines(AGREED)) == {
        "Git, staging": f"version 3, sha256:{3:064x}",
        "Git, main": f"version 2, sha256:{2:064x}",
        "Rollout, active": f"version 2, sha256:{2:064x}",
        "Rollout, preview": f"version 3, sha256:{3:064x}",
        "Registry, champion": "version 2, 1.5 days old",
    }


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (AGREED._replace(production=release(3)), f"main names {image(3)}, and users get {image(2)}"),
        (AGREED._replace(champion=Champion("3", 0.0)), "the champion is version 3, and users get 2"),
        (
            AGREED._replace(champion=Champion("3", 0.0), serving="not asked"),
            "the champion is version 3, and main names 2",
        ),
        (AGREED._replace(serving=serving(None)), "no revision of the Rollout is active"),
        (AGREED._replace(serving=serving(2, 3, aborted=True)), "the Rollout is aborted"),
        (AGREED._replace(held=True), "Argo CD leaves production alone"),
        (AGREED._replace(serving="it failed", silent=("the cluster",)), "the cluster did not answer"),
        (AGREED._replace(production=Release({}, Model("unreleased", "unreleased"))), "main names no image"),
        (Told("not asked", "not asked", "not asked", "not asked"), "nothing can be compared"),
        (AGREED._replace(serving="not asked", champion="not asked"), "nothing can be compared"),
    ],
)
def test_each_disagreement_is_a_line(told: Told, words: str) -> None:
    """Also where a source fails, and where too few are known to compare any."""
    assert any(words in line for line in disagreements(told))


def test_an_image_that_is_the_same_with_another_model_disagrees() -> None:
    """The digest alone does not say what the analysis looked for."""
    other = Release({SERVE: image(2)}, Model("f" * 64, "2"))
    assert disagreements(AGREED._replace(production=other)) == [
        "main names model version 2 (ffffffffffff), and users get model version 2 (000000000000)"
    ]

"""An image counts if staging's workflow signed it, from a commit that staging contains, with the sources of today."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from release import image_registry, provenance, stages
from release.images import Release
from release.settings import ImageSettings, SignerSettings
from steps.common.errors import ConfigurationError, DataError, NotFound
from tests.support.releases import HOST, digest, model

FETCH, TRAIN = "pr-sentinel/fetch", "pr-sentinel/train"
REFERENCE = f"{HOST}/{FETCH}@{digest(1)}"
REGISTRY = ImageSettings()
SIGNER = SignerSettings(github_repository="example/webshop", allow_unsigned=False)
UNSIGNED = SIGNER.model_copy(update={"allow_unsigned": True})


class History:
    """Commits of staging, the newest last, each with the fingerprints of its stages; others are of no branch."""

    def __init__(self, commits: dict[str, dict[str, str]], others: tuple[str, ...] = ()) -> None:
        self._commits = commits
        self._others = others

    def has_commit(self, commit: str) -> bool:
        """Whether it is here."""
        return commit in (*self._commits, *self._others)

    def has_ancestor(self, commit: str, other: str) -> bool:
        """Whether the other one is the same, or came before; Git fails if there is no such commit."""
        assert self.has_commit(other)
        order = [*self._commits]
        return other in order[: order.index(commit) + 1]

    @contextmanager
    def checkout(self, commit: str) -> Iterator[dict[str, str]]:
        """The sources of a commit, which here are their fingerprints."""
        yield self._commits[commit]


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """The labels of the images in the registry."""
    found: dict[str, dict[str, str]] = {}

    def read(reference: str, settings: ImageSettings) -> dict[str, str]:
        if reference not in found:
            raise NotFound(f"{reference} is no longer in the registry.", advice="")
        return found[reference]

    def find_fingerprint(sources: dict[str, str], stage: str) -> str:
        if stage not in sources:
            raise DataError("There is no such stage.", advice="")
        return sources[stage]

    monkeypatch.setattr(image_registry, "read_labels", read)
    monkeypatch.setattr(stages, "stages", list)
    monkeypatch.setattr(stages, "fingerprint", find_fingerprint)
    return found


@pytest.fixture
def cosign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that accepts a signature if the file `signed` is beside it, and notes what it is called with."""
    program = tmp_path / "cosign"
    program.write_text(
        f'#!/bin/sh\nfor one; do echo "$one"; done > {tmp_path}/called\n'
        f"test -f {tmp_path}/signed || {{ cat {tmp_path}/words >&2; exit 3; }}\n"
    )
    program.chmod(0o755)
    (tmp_path / "words").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def verify(history: History, reference: str = REFERENCE, name: str = FETCH, signer: SignerSettings = SIGNER) -> None:
    """Verify an image of the newest commit."""
    clone: Any = history
    provenance.verify(clone, "head", name, reference, REGISTRY, signer)


def label(commit: str) -> dict[str, str]:
    """The labels of an image that was built from a commit."""
    return {"org.opencontainers.image.revision": commit}


HISTORY = History({"before": {"fetch": "1"}, "head": {"fetch": "1"}, "after": {}}, others=("elsewhere",))


def test_a_signature_is_of_the_workflow_branch_and_commit(labels: dict[str, dict[str, str]], cosign: Path) -> None:
    """All that cosign compares; an older commit of the branch will do."""
    labels[REFERENCE] = label("before")
    (cosign / "signed").touch()
    verify(HISTORY)
    verify(HISTORY, name=f"mirror/{FETCH}")
    assert (cosign / "called").read_text().splitlines() == [
        "verify",
        "--certificate-oidc-issuer=https://token.actions.githubusercontent.com",
        "--certificate-identity=https://github.com/example/webshop/.github/workflows/stage.yml@refs/heads/staging",
        "--certificate-github-workflow-repository=example/webshop",
        "--certificate-github-workflow-ref=refs/heads/staging",
        "--certificate-github-workflow-sha=before",
        REFERENCE,
    ]


@pytest.mark.parametrize(("words", "said"), [("one\ntwo\nthree\n", "three"), ("", "nothing")])
def test_without_a_signature_cosign_s_last_words_are_kept(
    words: str, said: str, labels: dict[str, dict[str, str]], cosign: Path
) -> None:
    """If it has any; where unsigned images are allowed it is not called."""
    labels[REFERENCE] = label("head")
    (cosign / "words").write_text(words)
    with pytest.raises(DataError, match=r"not signed by .github/workflows/stage.yml on staging at head\.") as refused:
        verify(HISTORY)
    assert refused.value.advice == f"cosign says: {said}"
    (cosign / "called").unlink()
    verify(HISTORY, signer=UNSIGNED)
    assert not (cosign / "called").exists()


def test_a_machine_without_cosign_is_a_matter_of_settings(
    labels: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No objection to the image."""
    labels[REFERENCE] = label("head")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="cosign is not on the PATH"):
        verify(HISTORY)


@pytest.mark.parametrize("commit", ["after", "elsewhere", "unknown", ""])
def test_a_commit_that_staging_does_not_contain_is_refused(commit: str, labels: dict[str, dict[str, str]]) -> None:
    """One that is newer, of another branch, or of no repository; and an image that names none."""
    labels[REFERENCE] = label(commit) if commit else {}
    with pytest.raises(DataError, match=f"built from {commit or 'no named commit'}, which staging does not contain"):
        verify(HISTORY, signer=UNSIGNED)


def test_an_image_of_another_name_is_refused(labels: dict[str, dict[str, str]]) -> None:
    """However sound it is."""
    labels[REFERENCE] = label("head")
    with pytest.raises(DataError, match="is not an image of that name"):
        verify(HISTORY, name=TRAIN, signer=UNSIGNED)


def test_each_objection_is_named(labels: dict[str, dict[str, str]], cosign: Path) -> None:
    """To each image, and of each stage whose image is older than its sources."""
    (cosign / "signed").touch()
    train, gone = f"{HOST}/{TRAIN}@{digest(2)}", f"{HOST}/pr-sentinel/serve@{digest(3)}"
    release = Release({FETCH: REFERENCE, TRAIN: train, "pr-sentinel/serve": gone}, model(1))
    labels.update({REFERENCE: label("head"), train: label("elsewhere")})
    clone: Any = History({"head": {"fetch": "1", "train": "1", "serve": "1"}}, others=("elsewhere",))
    clone._commits |= {"elsewhere": {"train": "1"}}
    assert provenance.find_objections(clone, "head", release, REGISTRY, SIGNER) == [
        f"{TRAIN}: it was built from elsewhere, which staging does not contain",
        f"pr-sentinel/serve: {gone} is no longer in the registry",
        "pr-sentinel/serve is older than its sources",
    ]


@pytest.mark.parametrize(
    ("built", "outdated"),
    [
        ({"fetch": "head", "train": "head"}, []),
        ({"fetch": "before", "train": "head"}, []),
        ({"fetch": "head", "train": "before"}, ["train"]),
        ({"fetch": "first", "train": "before"}, ["fetch", "train"]),
        ({"fetch": "first", "train": "head"}, ["fetch"]),
        ({"fetch": "unknown", "train": ""}, ["fetch", "train"]),
        ({"fetch": "head"}, ["train"]),
        ({"train": "head"}, ["fetch"]),
        ({}, ["fetch", "train"]),
    ],
)
def test_an_image_is_compared_with_the_commit_that_it_was_built_from(
    built: dict[str, str], outdated: list[str], labels: dict[str, dict[str, str]]
) -> None:
    """Not with another image's; a stage that was not there then, an unknown commit and no image are outdated."""
    commits = {"first": {"train": "0"}, "before": {"fetch": "1", "train": "0"}, "head": {"fetch": "1", "train": "1"}}
    images = {f"pr-sentinel/{stage}": f"{HOST}/pr-sentinel/{stage}@{digest(1)}" for stage in built}
    labels.update({images[f"pr-sentinel/{stage}"]: label(commit) for stage, commit in built.items()})
    clone: Any = History(commits)
    assert provenance.find_outdated(clone, "head", Release(images, model(1)), REGISTRY) == outdated


def test_an_image_that_is_gone_is_outdated(labels: dict[str, dict[str, str]]) -> None:
    """A release may name what its registry has deleted."""
    clone: Any = History({"head": {"fetch": "1"}})
    assert provenance.find_outdated(clone, "head", Release({FETCH: REFERENCE}, model(1)), REGISTRY) == ["fetch"]

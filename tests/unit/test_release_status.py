"""The status report when sources agree, disagree, or don't respond."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from release.cluster import RolloutRevision, RolloutState
from release.images import SERVE, Release, ReleasedModel
from release.models import AliasedVersion
from release.status import StatusReport, find_disagreements, format_lines


def image(number: int) -> str:
    return f"registry.example/serve@sha256:{number:064x}"


def release(number: int) -> Release:
    return Release({SERVE: image(number)}, ReleasedModel(f"{number:064x}", str(number)))


def serving(active: int | None, preview: int | None = None, *, aborted: bool = False) -> RolloutState:
    revisions = {
        str(number): RolloutRevision(number, str(number), image(number), release(number).model)
        for number in (active, preview)
        if number
    }
    named = [str(number) if number else None for number in (active, preview or active)]
    return RolloutState(revisions, named[0], named[1], named[0], named[1], aborted)


AGREED = StatusReport(release(3), release(2), serving(2, 3), AliasedVersion("3", 0.5), AliasedVersion("2", 1.5))


def test_sources_that_agree_disagree_in_nothing() -> None:
    """A staging that is ahead with the champion, and a preview, are not a disagreement."""
    assert find_disagreements(AGREED) == []
    assert dict(format_lines(AGREED)) == {
        "Git, staging": f"version 3, sha256:{3:064x}",
        "Git, main": f"version 2, sha256:{2:064x}",
        "Rollout, active": f"version 2, sha256:{2:064x}",
        "Rollout, preview": f"version 3, sha256:{3:064x}",
        "Registry, champion": "version 3, 0.5 days old",
        "Registry, production": "version 2, 1.5 days old",
    }


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (AGREED._replace(production=release(3)), f"main names {image(3)}, but users get {image(2)}"),
        (AGREED._replace(champion=AliasedVersion("4", 0.0)), "the champion is version 4, but staging names 3"),
        (AGREED._replace(recorded=AliasedVersion("3", 0.0)), "alias production is at version 3, but users get 2"),
        (AGREED._replace(recorded="none"), "alias production is at no version, but users get 2"),
        (
            AGREED._replace(recorded=AliasedVersion("3", 0.0), rollout="skipped"),
            "alias production is at version 3, but main names 2",
        ),
        (AGREED._replace(rollout=serving(None)), "no revision of the Rollout is active"),
        (AGREED._replace(rollout=serving(2, 3, aborted=True)), "the Rollout is aborted"),
        (AGREED._replace(is_held=True), "Argo CD is paused for production"),
        (AGREED._replace(rollout="it failed", unavailable=("the cluster",)), "the cluster did not respond"),
        (AGREED._replace(production=Release({}, ReleasedModel("unreleased", "unreleased"))), "main names no image"),
        (StatusReport("skipped", "skipped", "skipped", "skipped", "skipped"), "nothing can be compared"),
        (AGREED._replace(rollout="skipped", recorded="skipped: no URI"), "nothing can be compared"),
    ],
)
def test_each_disagreement_is_a_line(report: StatusReport, words: str) -> None:
    """Also where a source fails, and where too few are known to compare any."""
    assert any(words in line for line in find_disagreements(report))


def test_an_image_that_is_the_same_with_another_model_disagrees() -> None:
    """The digest alone does not say what the analysis looked for."""
    other = Release({SERVE: image(2)}, ReleasedModel("f" * 64, "2"))
    assert find_disagreements(AGREED._replace(production=other)) == [
        "main names model version 2 (ffffffffffff), but users get model version 2 (000000000000)"
    ]


def test_without_a_registry_the_command_does_not_wait_for_mlflow(tmp_path: Path) -> None:
    """Its import takes longer than all others together."""
    named = {name: str(tmp_path / "nowhere") for name in ("GIT_REMOTE", "KUBECONFIG")}
    given = {name: value for name, value in os.environ.items() if name != "MLFLOW_URI"} | named
    command = [sys.executable, "-X", "importtime", "-m", "release", "status"]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert "skipped: MLFLOW_URI is not set" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "release.models" in imported
    assert "mlflow" not in imported

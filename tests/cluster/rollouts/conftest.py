"""The Rollout and its analyses on a cluster with Argo Rollouts, in a namespace of their own.

The checks are those of their own image. One more holds the service, a MongoDB, Prometheus and models to choose from; a
revision says by its command which it is. `prometheus` and `kubectl argo rollouts` are on the PATH. WITHOUT names checks
(`behaviour,answers`) that the analyses leave out, or what the Rollout itself has (`deadline`, `readiness`): candidates
that these stop then come through, and their tests fail.
"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from steps.scoring import artefact
from tests.cluster import kube
from tests.cluster.project import pushed
from tests.cluster.rollouts.revisions import (
    HERE,
    ROOT,
    SPACE,
    SPLIT,
    called,
    filled,
    overlay,
    put_overlay,
    run_plugin,
    wait_for,
    with_comparison,
)
from tests.support import builders, candidates


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the models."""
    folder, rows = tmp_path_factory.mktemp("models"), candidates.rows()
    candidates.write(folder, rows)
    for version, name, left_out in (("5", "next", 6), ("6", "later", 8)):
        builders.fitted(folder / name, [row for row in rows if row["number"] % left_out])
        (folder / name / "version.json").write_text(json.dumps({"version": version}))
    write_fresh(folder)
    return folder


def write_fresh(folder: Path) -> None:
    """Write `fresh`: the active one, had its newest pull request been opened today."""
    found = artefact.read(folder / "active")
    facts = {key: value for key, value in found.manifest.items() if key not in ("version", "sha256")}
    facts["data"] |= {"last": f"{datetime.now(UTC):%Y-%m-%dT00:00:00Z}"}
    (folder / "fresh").mkdir()
    artefact.write(folder / "fresh", found.files, facts)
    (folder / "fresh" / "version.json").write_text(json.dumps({"version": "7"}))


@pytest.fixture(scope="session")
def digests(models: Path) -> dict[str, str]:
    """That of each model."""
    return {folder.name: artefact.read(folder).digest for folder in models.iterdir()}


@pytest.fixture(scope="session")
def images(models: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The checks' own image, and the one that is the service and all else."""
    folder = tmp_path_factory.mktemp("image")
    for name in ("pyproject.toml", "uv.lock", ".ci/uv.txt", "tests/cluster/rollouts/Dockerfile"):
        shutil.copy(ROOT / name, folder)
    for name in ("steps", "samples"):
        shutil.copytree(ROOT / name, folder / "app" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(models, folder / "app" / "models")
    for name in ("faulty.py", "caller.py"):
        shutil.copy(HERE / name, folder / "app")
    found = shutil.which("prometheus")
    assert found, "prometheus is not on the PATH"
    (folder / "bin").mkdir()
    shutil.copy(found, folder / "bin")
    recipe = ("--file", str(ROOT / "steps" / "Dockerfile"), "--target", "checks", str(ROOT))
    return [
        {"name": "pr-sentinel/serve"} | pushed("pr-sentinel/rollouts", str(folder)),
        {"name": "pr-sentinel/checks"} | pushed("pr-sentinel/checks", *recipe),
    ]


@pytest.fixture(scope="session")
def space(
    images: list[dict[str, str]], digests: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The namespace with the active model in it, and somebody who calls it."""
    folder = tmp_path_factory.mktemp("overlay")
    kube.kubectl("create", "namespace", SPACE)
    try:
        put_overlay(folder, overlay(folder, images, digests["active"]))
        kube.rolled_out(SPACE)
        filled()
        wait_for("Healthy")
        yield SPACE
        print(f"\nall that the caller saw: {called()}")  # noqa: T201
    finally:
        if not os.environ.get("KEEP"):
            kube.run("kubectl", "delete", "namespace", SPACE, "--wait=false")


@pytest.fixture(scope="module")
def split(
    space: str, images: list[dict[str, str]], digests: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same with the component for two versions side by side, added to the running service, and removed."""
    folder = tmp_path_factory.mktemp("split")
    usual = overlay(folder, images, digests["active"])
    component = {"components": [os.path.relpath(SPLIT, folder)]}
    put_overlay(folder, usual | component | {"patches": [*usual["patches"], *with_comparison()]})
    wait_for("Healthy")
    kube.rolled_out(SPACE)
    yield space
    put_overlay(folder, usual)
    run_plugin("promote", "--full")
    wait_for("Healthy")

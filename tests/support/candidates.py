"""Models to release: an active one, a good candidate for its place, and bad ones; with the histories they look at."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samples import raw
from steps.common.pull_request import PullRequest
from steps.scoring import artefact
from steps.scoring.history import VERSION
from steps.scoring.row import as_row
from tests.support import builders
from tests.support.pulls import passed

PULLS = 1_500
Row = dict[str, Any]


def rows() -> list[Row]:
    """The newest samples as training has them, in the order of their repositories."""
    pulls = [PullRequest.model_validate(pull) for pull in raw.build_newest(PULLS)]
    ordered = sorted(pulls, key=lambda pull: (pull.base.repo.full_name, pull.created_at))
    return [as_row(pull) for pull in ordered]


def histories(given: Sequence[Row]) -> list[Row]:
    """Each repository's, as preprocess leaves them in MongoDB."""
    return [
        {"_id": row["repository"], "state": row["state"], "dataset": "a", "version": VERSION}
        for row in passed([*given])
        if row["split"] == "history"
    ]


def write(folder: Path, given: Sequence[Row]) -> dict[str, str]:
    """Write them by their names; each one's digest.

    `active` is version 3; `good`, of nearly the same data, version 4. `everything` and `nothing` are what they flag.
    """
    fewer = [row for row in given if row["number"] % 7]
    digests = {name: builders.fitted(folder / name, part).digest for name, part in (("active", given), ("good", fewer))}
    for name, limits in (
        ("everything", {"threshold": -1.0, "high": 0.0, "newest": {}}),
        ("nothing", {"threshold": 1e6, "high": 2e6, "newest": {}}),
    ):
        digests[name] = _with_thresholds(folder / "good", folder / name, limits)
    for name in digests:
        (folder / name / "version.json").write_text(json.dumps({"version": "3" if name == "active" else "4"}))
    return digests


def _with_thresholds(source: Path, target: Path, limits: dict[str, Any]) -> str:
    """A model that is sound but for what it flags; its digest."""
    shutil.copytree(source, target)
    found = artefact.read(source)
    changed = json.loads(found.files["thresholds.json"]) | limits
    facts = {key: value for key, value in found.manifest.items() if key not in ("version", "sha256")}
    artefact.write(target, {**found.files, "thresholds.json": artefact.as_json(changed)}, facts)
    return artefact.read(target).digest

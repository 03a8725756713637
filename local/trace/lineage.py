"""Where a model version comes from: the gate's decision, the dataset, the MLflow run, the workflow and the code."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from local.trace.line import Part, build_part
from steps.common.dataset import Manifest, load_manifest
from steps.common.errors import SentinelError
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import Store, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

NO_VERSION = "The result names no registered version."
UNRECORDED = "The version does not have the tag."
NO_RUN = "The version names no run."
VERSION_FACTS = ("version", "registered_at", "model_sha256", "bento", "aliases")
GATE_FACTS = ("decision", "rule", "reason", "average_precision")
DATASET_FACTS = {
    "hash": UNRECORDED,
    "uri": UNRECORDED,
    "data_until": UNRECORDED,
    "rows": "The manifest was not read.",
    "watermarks": "The manifest was not read.",
}
RUN_FACTS = ("run_id", "status", "started_at", "parameters")
ATTESTATION = "Not recorded here: gh attestation verify oci://IMAGE@DIGEST --repo OWNER/NAME shows it."


class Origin(NamedTuple):
    """What MLflow and the store have on a version; `problems` are by part why something could not be read."""

    version: "ModelVersion | None"
    run: "Run | None"
    manifest: Manifest | None
    problems: dict[str, str]

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of the version."""
        return self.version.tags if self.version else {}


def find_origin(number: str | None, tracking: TrackingSettings, places: StoreSettings) -> Origin:
    """Find what is recorded of a version; what can't be read is named in `problems`."""
    from steps.common.tracking import connect

    problems: dict[str, str] = {}
    version = run = manifest = None
    if number is None or not number.isdecimal():
        return Origin(None, None, None, {"model": NO_VERSION if number is None else f"{NO_VERSION} ({number})"})
    with _note(problems, "model"), connect(tracking) as client:
        version = _find_version(client, number)
    with _note(problems, "run"), connect(tracking) as client:
        run = client.get_run(version.run_id) if version and version.run_id else None
    with _note(problems, "dataset"):
        if version and (uri := version.tags.get("dataset_uri")):
            manifest = load_manifest(open_store(places), uri)
    return Origin(version, run, manifest, problems)


def describe(origin: Origin, digest: str | None, state: Path, store: Store) -> list[Part]:
    """Describe everything behind a prediction.

    Args:
        origin: what was found.
        digest: the SHA-256 of the model that the prediction names.
        state: the folder of this machine's runs.
        store: the store that has the records of how workflows ended.
    """
    from steps.common.registry import IMAGE_DIGEST

    version, tags, problem = origin.version, origin.tags, origin.problems.get("model", "")
    facts = None if version is None else _describe_version(version)
    model = build_part("model", dict.fromkeys(VERSION_FACTS, UNRECORDED), facts, problem)
    if digest and model.facts.get("model_sha256") not in (None, digest):
        found = model.facts.pop("model_sha256")
        model.missing["model_sha256"] = f"The registry's version has {found}, but the result was computed by {digest}."
    image = {"git_commit": UNRECORDED, IMAGE_DIGEST: "Production has not had it.", "attestation": ATTESTATION}
    known = tags if version else None
    commit = None if tags.get("git_commit") == "unknown" else tags.get("git_commit")
    return [
        model,
        build_part("gate", dict.fromkeys(GATE_FACTS, UNRECORDED), known, problem),
        build_part("dataset", DATASET_FACTS, _describe_dataset(origin), problem or origin.problems.get("dataset", "")),
        build_part(
            "run", dict.fromkeys(RUN_FACTS, NO_RUN), _describe_run(origin.run), origin.problems.get("run", problem)
        ),
        describe_workflow(origin.run, state, store),
        build_part("code", image, None if version is None else {**tags, "git_commit": commit}, problem),
    ]


def describe_workflow(run: "Run | None", state: Path, store: Store) -> Part:
    """Describe the workflow that trained the model: one of this machine's, or the one that the run names."""
    wanted = {
        "name": "The run names no workflow, and none of this state folder trained it.",
        "began": "It did not run on this machine.",
        "record": "The workflow is not known.",
        "images": "Steps on one machine are processes, without an image.",
    }
    known = (_find_local_run(run.info.run_id, state) or {"name": run.data.tags.get("workflow")}) if run else {}
    if name := known.get("name"):
        key = f"runs/{name}.json"
        wanted["record"] = f"{key} is not in the store."
        if store.exists(key):
            known = known | {"record": f"{store.url}/{key}", "images": json.loads(store.read(key)).get("images")}
        elif "began" not in known:
            wanted["images"] = f"{key}, which names them, is not in the store."
    return build_part("workflow", wanted, {name: value for name, value in known.items() if value})


def _find_local_run(run_id: str, state: Path) -> dict[str, Any] | None:
    """Find the record of the local run that trained a model."""
    records = (json.loads(path.read_text("utf-8")) for path in sorted(state.glob("runs/*/run.json")))
    trained = (one for one in records if any(node["outputs"].get("run_id") == run_id for node in one["nodes"]))
    return next(trained, None)


@contextmanager
def _note(problems: dict[str, str], part: str) -> Iterator[None]:
    """Note an error that a person can fix as the reason why a part is missing."""
    try:
        yield
    except SentinelError as error:
        problems[part] = f"{error.problem} {error.advice}"


def _find_version(client: "MlflowClient", number: str) -> "ModelVersion":
    from steps.common.registry import Registry
    from steps.common.tracking import REGISTERED_MODEL

    Registry(client).get_version(number)
    return client.get_model_version(REGISTERED_MODEL, number)  # a search leaves the aliases out


def _describe_version(version: "ModelVersion") -> dict[str, Any]:
    return {
        **version.tags,
        "version": str(version.version),
        "registered_at": _format_milliseconds(version.creation_timestamp),
        "aliases": sorted(version.aliases),
    }


def _describe_dataset(origin: Origin) -> dict[str, Any] | None:
    if origin.version is None:
        return None
    tags, manifest = origin.tags, origin.manifest
    facts = {"hash": tags.get("data_hash"), "uri": tags.get("dataset_uri"), "data_until": tags.get("data_until")}
    if manifest is None:
        return facts
    marks = {name: found.watermark for name, found in manifest.repositories.items()}
    return {**facts, "rows": manifest.splits, "watermarks": marks}


def _describe_run(run: "Run | None") -> dict[str, Any] | None:
    if run is None:
        return None
    started_at = _format_milliseconds(run.info.start_time)
    return {
        "run_id": run.info.run_id,
        "status": run.info.status,
        "started_at": started_at,
        "parameters": dict(run.data.params),
    }


def _format_milliseconds(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="seconds")

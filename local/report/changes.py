"""What a run has found changed since the one before it, in a sentence or two."""

import json
from typing import Any

from local.engine.run_state import Phase, Run


def before(run: Run) -> dict[str, Any] | None:
    """The record of the newest successful run with the same arguments, if there is one."""
    records = [json.loads(path.read_text("utf-8")) for path in run.folder.parent.glob("*/run.json")]
    same = [
        record
        for record in records
        if record["phase"] == Phase.SUCCEEDED and record["arguments"] == run.arguments and record["name"] != run.name
    ]
    return max(same, key=lambda record: str(record["began"]), default=None)


def told(run: Run) -> str:
    """Say it."""
    nodes = run.nodes["fetch"]
    new, updated, quarantined, requests = (
        sum(int(node.outputs.get(name, 0)) for node in nodes)
        for name in ("fetched", "updated", "quarantined", "requests")
    )
    asked = f"{_count(requests, 'request')} for {_count(len(nodes), 'repository', 'repositories')}"
    aside = f" {quarantined:,} unusable ones were put aside." if quarantined else ""
    record = before(run)
    if record is None:
        return f"{_count(new, 'pull request')} fetched in {asked}.{aside}"
    since = f"since {record['began'].replace('T', ' ').replace('+00:00', ' UTC')}"
    if new or updated:
        return f"Incremental: {new:,} new, {updated:,} updated {since}, in {asked}.{aside}"
    return f"Incremental: nothing changed {since}: {asked}{_unchanged(run, record)}.{aside}"


def _unchanged(run: Run, record: dict[str, Any]) -> str:
    """Which results are those of the run before."""
    old = {node["task"]: node["outputs"] for node in record["nodes"]}
    same = [
        what
        for what, task, output in (("dataset", "preprocess", "data_hash"), ("model", "train", "run_id"))
        if run.output(task, output) and run.output(task, output) == old.get(task, {}).get(output)
    ]
    return f"; {' and '.join(same)} unchanged" if same else ""


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"

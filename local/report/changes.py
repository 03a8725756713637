"""The changes since the previous run, in one or two sentences."""

import json
from typing import Any

from local.engine.run_state import Phase, WorkflowRun


def find_previous(run: WorkflowRun) -> dict[str, Any] | None:
    """Return the record of the newest successful run with the same arguments, if there is one."""
    records = [json.loads(path.read_text("utf-8")) for path in run.folder.parent.glob("*/run.json")]
    same = [
        record
        for record in records
        if record["phase"] == Phase.SUCCEEDED and record["arguments"] == run.arguments and record["name"] != run.name
    ]
    return max(same, key=lambda record: str(record["began"]), default=None)


def summarise_changes(run: WorkflowRun) -> str:
    """Summarise what the run fetched, and what has changed since the previous run."""
    nodes = run.nodes["fetch"]
    new, updated, quarantined, requests = (
        sum(int(node.outputs.get(name, 0)) for node in nodes)
        for name in ("fetched", "updated", "quarantined", "requests")
    )
    missing = sum(int(node.outputs.get("missing", 0)) for node in nodes)
    effort = f"{_format_count(requests, 'request')} for {_format_count(len(nodes), 'repository', 'repositories')}"
    rejected = f" {quarantined:,} invalid documents were quarantined." if quarantined else ""
    rejected += f" GitHub did not show {missing:,} pull requests or fields of them." if missing else ""
    record = find_previous(run)
    if record is None:
        return f"{_format_count(new, 'pull request')} fetched in {effort}.{rejected}"
    since = f"since {record['began'].replace('T', ' ').replace('+00:00', ' UTC')}"
    if new or updated:
        return f"Incremental: {new:,} new, {updated:,} updated {since}, in {effort}.{rejected}"
    return f"Incremental: nothing changed {since}: {effort}{_describe_unchanged(run, record)}.{rejected}"


def _describe_unchanged(run: WorkflowRun, record: dict[str, Any]) -> str:
    """Name the results that are the same as in the previous run."""
    old = {node["task"]: node["outputs"] for node in record["nodes"]}
    same = [
        what
        for what, task, output in (("dataset", "preprocess", "data_hash"), ("model", "train", "run_id"))
        if run.output(task, output) and run.output(task, output) == old.get(task, {}).get(output)
    ]
    return f"; {' and '.join(same)} unchanged" if same else ""


def _format_count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"

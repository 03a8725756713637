"""The state of a run, and the record of it that is saved."""

import json
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from local.engine.expressions import ANY_SUCCEEDED


class Phase(StrEnum):
    """The phase of a run or a node, under Argo's names."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    OMITTED = "Omitted"
    ERROR = "Error"

    @property
    def is_final(self) -> bool:
        """True if the phase will not change any more."""
        return self not in {Phase.PENDING, Phase.RUNNING}

    @property
    def is_failure(self) -> bool:
        """True if the run can't succeed any more."""
        return self in {Phase.FAILED, Phase.ERROR}


@dataclass
class Node:
    """One run of a container, or a task that has not started."""

    name: str
    task: str
    template: str
    item: str = ""
    phase: Phase = Phase.PENDING
    attempts: int = 0
    exit_code: int | None = None
    seconds: float = 0.0
    peak_bytes: int = 0
    problem: str = ""
    advice: str = ""
    warning: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    message: str = field(default="", metadata={"live": True})
    started: float | None = field(default=None, metadata={"live": True})

    @property
    def elapsed_seconds(self) -> float:
        """The seconds since the start, or the total when finished."""
        return time.monotonic() - self.started if self.started and not self.phase.is_final else self.seconds

    def end(self, phase: Phase, problem: str = "") -> None:
        """Record the final phase and the problem."""
        self.seconds = round(self.elapsed_seconds, 3)
        self.phase = phase
        self.problem = problem or self.problem


@dataclass
class WorkflowRun:
    """One run of a workflow."""

    name: str
    folder: Path
    arguments: dict[str, str]
    nodes: dict[str, list[Node]]
    phase: Phase = Phase.PENDING
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    @property
    def all_nodes(self) -> list[Node]:
        """All nodes, in the order of the tasks."""
        return [node for nodes in self.nodes.values() for node in nodes]

    @property
    def failed_nodes(self) -> list[Node]:
        """The nodes that have failed."""
        return [node for node in self.all_nodes if node.phase.is_failure]

    def phase_of(self, task: str) -> Phase:
        """Return a task's phase, combined from its nodes."""
        phases = {node.phase for node in self.nodes[task]}
        for phase in (Phase.RUNNING, Phase.PENDING, Phase.ERROR, Phase.FAILED):
            if phase in phases:
                return phase
        return phases.pop() if len(phases) == 1 else Phase.SUCCEEDED

    def has_result(self, task: str, results: Collection[str]) -> bool:
        """Return whether a task ended with one of these results; AnySucceeded is that of one node among several."""
        any_succeeded = ANY_SUCCEEDED in results and any(n.phase is Phase.SUCCEEDED for n in self.nodes[task])
        return any_succeeded or self.phase_of(task) in results

    def output(self, task: str, name: str) -> str | None:
        """Return an output of a task without a fan-out."""
        return self.nodes[task][0].outputs.get(name)

    def log_path(self, node: Node) -> Path:
        """Return the path of a node's log."""
        return self.folder / f"{node.name}.log"

    def format_failures(self) -> str:
        """Return `{{workflow.failures}}` as Argo does: a JSON list or null, encoded as a JSON string."""
        finished_at = datetime.now(UTC).isoformat(timespec="seconds")
        failed = [
            {
                "displayName": node.name,
                "message": node.problem,
                "templateName": node.template,
                "phase": node.phase.value,
                "podName": node.name,
                "finishedAt": finished_at,
            }
            for node in self.failed_nodes
        ]
        return json.dumps(json.dumps(failed or None))

    def save(self) -> None:
        """Write `run.json` atomically."""
        record: dict[str, Any] = {
            "name": self.name,
            "phase": self.phase,
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "arguments": self.arguments,
            "nodes": [asdict(node) for node in self.all_nodes],
        }
        for node in record["nodes"]:
            del node["message"], node["started"]
        unfinished = self.folder / ".run.json"
        unfinished.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
        unfinished.replace(self.folder / "run.json")

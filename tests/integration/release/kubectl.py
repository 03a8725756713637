"""A fake `kubectl` for the calls of the release commands; everything else goes to the real one.

The Rollout, its ReplicaSets, its analyses and Argo CD's application are in the JSON file that `CLUSTER` names, and each
command changes them there as Argo Rollouts' controller would. The first word of `REFUSE` is a command that fails.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

State = dict[str, Any]


def answer(state: State, words: list[str]) -> str:
    """Do what is asked; what kubectl would print."""
    match words:
        case ["get", "rollout", "model-serving", *_]:
            said = json.dumps(state["rollout"])
            seen(state["rollout"]["status"])
            return said
        case ["get", "replicasets", *_]:
            return json.dumps({"items": state["replicasets"]})
        case ["get", "analysisruns", *_]:
            return json.dumps({"items": state["analysisruns"]})
        case ["get", "applications.argoproj.io", _, *_] if state["application"]:
            return json.dumps(state["application"])
        case ["get", "applications.argoproj.io", *_]:
            sys.exit('error: the server doesn\'t have a resource type "applications"')
        case ["annotate", "--overwrite", "applications.argoproj.io", _, change, *_]:
            return annotate(state["application"]["metadata"].setdefault("annotations", {}), change)
        case ["argo", "rollouts", *more]:
            return rollouts(state["rollout"]["status"], state["replicasets"], more)
    sys.exit(f"error: unknown command {words}")


def annotate(annotations: dict[str, str], change: str) -> str:
    """`name=value` sets one, `name-` takes it away."""
    name, is_set, value = change.partition("=")
    if is_set:
        annotations[name] = value
    else:
        annotations.pop(name.removesuffix("-"), None)
    return ""


def rollouts(status: State, replica_sets: list[State], words: list[str]) -> str:
    """Abort, undo and promote, once all pods are ready."""
    colours = status["blueGreen"]
    match words:
        case ["abort", "model-serving", *_]:
            status["abort"] = True
            colours["activeSelector"] = colours["previewSelector"] = status["stableRS"]
        case ["undo", "model-serving", revision, *_]:
            (found,) = (one for one in replica_sets if revision == f"--to-revision={number(one)}")
            newest = max(int(number(one)) for one in replica_sets)
            found["metadata"]["annotations"]["rollout.argoproj.io/revision"] = str(newest + 1)
            status["asked"] = found["metadata"]["labels"]["rollouts-pod-template-hash"]
        case ["promote", "model-serving", "--full", *_]:
            colours["activeSelector"] = colours["previewSelector"] = status["stableRS"] = status["currentPodHash"]
        case _:
            sys.exit(f"error: unknown command {words}")
    return ""


def seen(status: State) -> None:
    """The controller sees what is asked for a while later: after somebody has looked."""
    if asked := status.pop("asked", None):
        status["currentPodHash"] = status["blueGreen"]["previewSelector"] = asked
        status.pop("abort", None)


def number(replica_set: State) -> str:
    """Its revision."""
    return str(replica_set["metadata"]["annotations"]["rollout.argoproj.io/revision"])


def main() -> None:
    """Answer one command."""
    words = sys.argv[1:]
    if words[0] == "kustomize":
        os.execv(os.environ["REAL_KUBECTL"], ["kubectl", *words])  # noqa: S606  no shell reads them
    path = Path(os.environ["CLUSTER"])
    refused = os.environ.get("REFUSE", "")
    if not path.is_file() or (refused and refused in words):
        sys.exit("The connection to the server was refused - did you specify the right host or port?")
    state = json.loads(path.read_text())
    said = answer(state, words)
    path.write_text(json.dumps(state))
    sys.stdout.write(said)


if __name__ == "__main__":
    main()

"""A fake `kubectl` for the calls of the release commands; everything else goes to the real one.

The Rollout, its ReplicaSets, its analyses and Argo CD's application are in the JSON file that `CLUSTER` names, and each
command changes them there as Argo Rollouts' controller would. A command that has the text of `REFUSE` in it fails.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

State = dict[str, Any]
HASH = "rollouts-pod-template-hash"


def answer(state: State, words: list[str]) -> str:
    """Do what is asked; what kubectl would print."""
    match words:
        case ["get", "rollout", "model-serving", *_]:
            said = json.dumps(state["rollout"])
            seen(state["rollout"]["status"])
            return said
        case ["get", "replicasets", *more]:
            chosen = more[1].removeprefix(f"{HASH}=") if more[0] == "--selector" else ""
            return json.dumps({"items": [one for one in state["replicasets"] if chosen in {"", hash_of(one)}]})
        case ["get", "analysisruns", *_]:
            return json.dumps({"items": state["analysisruns"]})
        case ["get", "applications.argoproj.io", _, *_] if state["application"]:
            return json.dumps(state["application"])
        case ["get", "applications.argoproj.io", *_]:
            sys.exit('error: the server doesn\'t have a resource type "applications"')
        case ["annotate", "--overwrite", "applications.argoproj.io", _, change, *_]:
            return annotate(state["application"]["metadata"].setdefault("annotations", {}), change)
        case ["patch", "rollouts.argoproj.io", "model-serving", kind, change, *more]:
            patch = json.loads(change.removeprefix("--patch="))
            return patched(state, kind.removeprefix("--type="), patch, "--subresource=status" in more)
    sys.exit(f"error: unknown command {words}")


def annotate(annotations: dict[str, str], change: str) -> str:
    """`name=value` sets one, `name-` takes it away."""
    name, is_set, value = change.partition("=")
    if is_set:
        annotations[name] = value
    else:
        annotations.pop(name.removesuffix("-"), None)
    return ""


def patched(state: State, kind: str, patch: Any, of_status: bool) -> str:
    """Abort, undo and promote, once all pods are ready; the status changes by its own resource alone."""
    status = state["rollout"]["status"]
    colours = status["blueGreen"]
    match kind, patch, of_status:
        case "merge", {"status": {"abort": True}}, True:
            status["abort"] = True
            colours["activeSelector"] = colours["previewSelector"] = status["stableRS"]
        case "merge", {"status": {"promoteFull": True}}, True:
            colours["activeSelector"] = colours["previewSelector"] = status["stableRS"] = status["currentPodHash"]
        case "json", [{"op": "replace", "path": "/spec/template", "value": template}], False:
            (found,) = (one for one in state["replicasets"] if without_hash(one["spec"]["template"]) == template)
            newest = max(int(number(one)) for one in state["replicasets"])
            found["metadata"]["annotations"]["rollout.argoproj.io/revision"] = str(newest + 1)
            status["asked"] = hash_of(found)
        case _:
            sys.exit(f"error: unknown patch {kind} {patch}")
    return ""


def hash_of(replica_set: State) -> str:
    """The hash of its pods."""
    return str(replica_set["metadata"]["labels"][HASH])


def without_hash(template: State) -> State:
    """A template as a Rollout has it."""
    labels = {name: value for name, value in template["metadata"]["labels"].items() if name != HASH}
    return template | {"metadata": template["metadata"] | {"labels": labels}}


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
    if not path.is_file() or (refused and refused in " ".join(words)):
        sys.exit("The connection to the server was refused - did you specify the right host or port?")
    state = json.loads(path.read_text())
    said = answer(state, words)
    path.write_text(json.dumps(state))
    sys.stdout.write(said)


if __name__ == "__main__":
    main()

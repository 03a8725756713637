"""What a cluster runs of the service, and what may be told to it: kubectl, with Argo Rollouts' plugin."""

import json
import subprocess
import time
from typing import Any, NamedTuple

from release.images import Model
from steps.common.errors import NotFound, Unavailable

ROLLOUT = "model-serving"
POD_HASH = "rollouts-pod-template-hash"
APPLICATION = "pr-sentinel-production"
STAGING_APPLICATION = "pr-sentinel-staging"
HOLD = "argocd.argoproj.io/skip-reconcile"
TIMEOUT = "--request-timeout=30s"
TAKEN_UP_WITHIN = 60.0
LOOK_EVERY = 0.5
"""Seconds."""
Document = dict[str, Any]


class Revision(NamedTuple):
    """A revision of the Rollout, whose pods may live or may not."""

    number: int
    pod_hash: str
    image: str
    model: Model


class Serving(NamedTuple):
    """The Rollout: its revisions by pod hash, and which of them are active, previewed, stable and asked for.

    `current` is None until the controller has seen what is asked for.
    """

    revisions: dict[str, Revision]
    active: str | None
    preview: str | None
    stable: str | None
    current: str | None
    aborted: bool

    def revision(self, pod_hash: str | None) -> Revision | None:
        """The revision of a pod hash."""
        return self.revisions.get(pod_hash or "")


class Cluster:
    """A namespace of a cluster, which a context of kubectl's configuration names."""

    def __init__(self, context: str | None, namespace: str) -> None:
        self._place = ["--namespace", namespace, *(["--context", context] if context else [])]

    def serving(self) -> Serving:
        """How the Rollout stands.

        Raises:
            NotFound: there is none.
            Unavailable: the cluster does not answer.
        """
        return serving(self._get("rollout", ROLLOUT), self._get("replicasets")["items"])

    def analysis_runs(self) -> list[Document]:
        """All that Argo Rollouts keeps."""
        return list(self._get("analysisruns")["items"])

    def abort(self) -> None:
        """Let the stable revision answer, at once."""
        self._rollouts("abort", ROLLOUT)

    def undo(self, revision: Revision) -> None:
        """Go back to a revision, at once, without the analyses that it has passed before.

        Raises:
            Unavailable: the controller does not take it up.
        """
        self._rollouts("undo", ROLLOUT, f"--to-revision={revision.number}")
        until = time.monotonic() + TAKEN_UP_WITHIN
        # Until the controller has seen what is asked for, promoting would do nothing.
        while self.serving().current != revision.pod_hash:
            if time.monotonic() > until:
                raise Unavailable("Argo Rollouts does not take up the undo.", advice="Look at its controller.")
            time.sleep(LOOK_EVERY)
        self.promote()

    def promote(self) -> None:
        """Let the revision that is asked for answer users, without its analyses."""
        self._rollouts("promote", ROLLOUT, "--full")

    def held(self) -> bool | None:
        """Whether Argo CD leaves production alone; None where there is no such application."""
        try:
            application = self._get("applications.argoproj.io", APPLICATION)
        except NotFound:
            return None
        return bool(application["metadata"].get("annotations", {}).get(HOLD) == "true")

    def synced(self) -> str:
        """The commit with all of which Argo CD finds staging to agree; nothing while it does not.

        Raises:
            NotFound: there is no such application.
            Unavailable: the cluster does not answer.
        """
        sync = self._get("applications.argoproj.io", STAGING_APPLICATION).get("status", {}).get("sync", {})
        return str(sync.get("revision", "")) if sync.get("status") == "Synced" else ""

    def hold(self, wanted: bool) -> None:
        """Let Argo CD leave production alone, or no longer."""
        change = f"{HOLD}=true" if wanted else f"{HOLD}-"
        self._run("kubectl", "annotate", "--overwrite", "applications.argoproj.io", APPLICATION, change, *self._place)

    def _get(self, *what: str) -> Document:
        return dict(json.loads(self._run("kubectl", "get", *what, "--output", "json", TIMEOUT, *self._place)))

    def _rollouts(self, *arguments: str) -> None:
        self._run("kubectl", "argo", "rollouts", *arguments, *self._place)

    @staticmethod
    def _run(*command: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
        except FileNotFoundError:
            raise Unavailable("There is no kubectl on the PATH.", advice="Install it.") from None
        if done.returncode == 0:
            return done.stdout
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        if "(NotFound)" in said or "doesn't have a resource type" in said:
            raise NotFound(f"Not in the cluster: {said}", advice="Check the context and what is installed there.")
        raise Unavailable(f"kubectl failed: {said}", advice="Check KUBECONFIG, the context and its rights.")


def serving(rollout: Document, replica_sets: list[Document]) -> Serving:
    """How a Rollout stands, read from it and from the ReplicaSets that are its own."""
    status = rollout.get("status", {})
    colours = status.get("blueGreen", {})
    seen = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
    own = [one for one in replica_sets if _owner(one) == rollout["metadata"]["uid"]]
    revisions = {revision.pod_hash: revision for revision in map(_revision, own)}
    return Serving(
        revisions,
        colours.get("activeSelector"),
        colours.get("previewSelector"),
        status.get("stableRS"),
        status.get("currentPodHash") if seen else None,
        bool(status.get("abort")),
    )


def _owner(document: Document) -> str | None:
    return next((str(one["uid"]) for one in document["metadata"].get("ownerReferences", [])), None)


def _revision(replica_set: Document) -> Revision:
    metadata, template = replica_set["metadata"], replica_set["spec"]["template"]
    named = template["metadata"].get("annotations", {})
    return Revision(
        int(metadata["annotations"]["rollout.argoproj.io/revision"]),
        metadata["labels"][POD_HASH],
        template["spec"]["containers"][0]["image"],
        Model(named.get("pr-sentinel/model-digest", ""), named.get("pr-sentinel/model-version", "")),
    )

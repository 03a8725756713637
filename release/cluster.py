"""The service in a cluster: its Rollout and Argo CD application, through kubectl alone.

Argo Rollouts aborts, promotes and goes back by patches of the Rollout, as its own plugin sends them.
"""

import json
import subprocess
import time
from typing import Any, Literal, NamedTuple

from release.images import ReleasedModel
from release.settings import ClusterSettings
from steps.common.errors import NotFound, Unavailable

ROLLOUT = "model-serving"
POD_HASH = "rollouts-pod-template-hash"
APPLICATION = "pr-sentinel-production"
STAGING_APPLICATION = "pr-sentinel-staging"
SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
TRACKING_ID = "argocd.argoproj.io/tracking-id"
TIMEOUT_OPTION = "--request-timeout=30s"
UNDO_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.5
Document = dict[str, Any]
Environment = Literal["staging", "production"]


class RolloutRevision(NamedTuple):
    """A revision of the Rollout, with or without running pods."""

    number: int
    pod_hash: str
    image: str
    model: ReleasedModel


class RolloutState(NamedTuple):
    """The Rollout: its revisions by pod hash, and which of them are active, preview, stable and current.

    `current` is only set once the controller has observed the latest generation; `is_synced` if Argo CD keeps the
    Rollout as it is in Git.
    """

    revisions: dict[str, RolloutRevision]
    active: str | None
    preview: str | None
    stable: str | None
    current: str | None
    aborted: bool
    is_synced: bool = False

    def revision(self, pod_hash: str | None) -> RolloutRevision | None:
        """Return the revision with a pod hash."""
        return self.revisions.get(pod_hash or "")


class Cluster:
    """A namespace of a cluster, reached through a context of kubectl's configuration."""

    def __init__(self, context: str | None, namespace: str) -> None:
        self._place = ["--namespace", namespace, *(["--context", context] if context else [])]

    def read_state(self) -> RolloutState:
        """Return the state of the Rollout.

        Raises:
            NotFound: there is no Rollout.
            Unavailable: the cluster does not respond.
        """
        return read_state(self._get("rollout", ROLLOUT), self._get("replicasets")["items"])

    def analysis_runs(self) -> list[Document]:
        """Return all AnalysisRuns."""
        return list(self._get("analysisruns")["items"])

    def abort(self) -> None:
        """Abort the update: the stable revision serves at once."""
        self._patch_status({"abort": True})

    def undo(self, revision: RolloutRevision) -> None:
        """Return to an earlier revision at once, skipping the analyses that it has already passed.

        Raises:
            NotFound: the revision is gone.
            Unavailable: the controller does not react.
        """
        self._patch("json", [{"op": "replace", "path": "/spec/template", "value": self._read_template(revision)}])
        until = time.monotonic() + UNDO_TIMEOUT_SECONDS
        # Promoting has no effect until the controller has observed the undo.
        while self.read_state().current != revision.pod_hash:
            if time.monotonic() > until:
                raise Unavailable(
                    "Argo Rollouts does not react to the undo.", advice="Check the Argo Rollouts controller."
                )
            time.sleep(POLL_SECONDS)
        self.promote()

    def promote(self) -> None:
        """Promote the current revision, skipping its analyses; nothing happens if it is the stable one."""
        state = self.read_state()
        if state.current is None or state.current != state.stable:
            self._patch_status({"promoteFull": True})

    def is_held(self) -> bool | None:
        """Return whether Argo CD is paused for production; None if there is no such application."""
        try:
            application = self._get("applications.argoproj.io", APPLICATION)
        except NotFound:
            return None
        return bool(application["metadata"].get("annotations", {}).get(SKIP_RECONCILE) == "true")

    def synced_commit(self) -> str:
        """Return the commit that Argo CD has synced staging to; empty while it is out of sync.

        Raises:
            NotFound: there is no such application.
            Unavailable: the cluster does not respond.
        """
        sync = self._get("applications.argoproj.io", STAGING_APPLICATION).get("status", {}).get("sync", {})
        return str(sync.get("revision", "")) if sync.get("status") == "Synced" else ""

    def hold(self, wanted: bool) -> None:
        """Pause Argo CD for production, or resume it."""
        change = f"{SKIP_RECONCILE}=true" if wanted else f"{SKIP_RECONCILE}-"
        self._run("kubectl", "annotate", "--overwrite", "applications.argoproj.io", APPLICATION, change, *self._place)

    def _get(self, *what: str) -> Document:
        return dict(json.loads(self._run("kubectl", "get", *what, "--output", "json", TIMEOUT_OPTION, *self._place)))

    def _read_template(self, revision: RolloutRevision) -> Document:
        """Read the pod template of a revision, without the label by which its pods are told apart."""
        found = self._get("replicasets", "--selector", f"{POD_HASH}={revision.pod_hash}")["items"]
        if not found:
            raise NotFound(f"Revision {revision.number} is gone.", advice="Run the command again.")
        template = dict(found[0]["spec"]["template"])
        labels = {name: value for name, value in template["metadata"].get("labels", {}).items() if name != POD_HASH}
        return template | {"metadata": template["metadata"] | {"labels": labels}}

    def _patch_status(self, status: Document) -> None:
        self._patch("merge", {"status": status}, "--subresource=status")

    def _patch(self, kind: str, change: Document | list[Document], *options: str) -> None:
        what = ("rollouts.argoproj.io", ROLLOUT, f"--type={kind}", f"--patch={json.dumps(change)}", *options)
        self._run("kubectl", "patch", *what, TIMEOUT_OPTION, *self._place)

    @staticmethod
    def _run(*command: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
        except FileNotFoundError:
            raise Unavailable("kubectl is not on the PATH.", advice="Install kubectl.") from None
        if done.returncode == 0:
            return done.stdout
        message = (done.stderr.strip().splitlines() or ["no output"])[-1]
        if "(NotFound)" in message or "doesn't have a resource type" in message:
            raise NotFound(
                f"Not found in the cluster: {message}", advice="Check the context and what is installed there."
            )
        raise Unavailable(f"kubectl failed: {message}", advice="Check KUBECONFIG, the context and its permissions.")


def open_cluster(settings: ClusterSettings, environment: Environment) -> Cluster:
    """Return the cluster of an environment."""
    if environment == "staging":
        return Cluster(settings.staging_context, settings.staging_namespace)
    return Cluster(settings.production_context, settings.production_namespace)


def open_argo_cd(settings: ClusterSettings, environment: Environment) -> Cluster:
    """Return the cluster whose Argo CD has an environment's application: one for both, or the environment's own."""
    own = settings.staging_context if environment == "staging" else settings.production_context
    return Cluster(settings.argo_cd_context or own, settings.argo_cd_namespace)


def read_state(rollout: Document, replica_sets: list[Document]) -> RolloutState:
    """Return the state of a Rollout, read from it and from its own ReplicaSets."""
    status = rollout.get("status", {})
    active, preview = _read_places(rollout)
    is_observed = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
    own = [one for one in replica_sets if _owner_uid(one) == rollout["metadata"]["uid"]]
    revisions = {revision.pod_hash: revision for revision in map(_read_revision, own)}
    return RolloutState(
        revisions,
        active,
        preview,
        status.get("stableRS"),
        status.get("currentPodHash") if is_observed else None,
        bool(status.get("abort")),
        _is_synced(rollout["metadata"]),
    )


def _read_places(rollout: Document) -> tuple[str | None, str | None]:
    """Return the hashes of the active and the preview revision; where users are split, the stable one is active."""
    status = rollout.get("status", {})
    if "canary" in rollout.get("spec", {}).get("strategy", {}):
        return status.get("stableRS"), status.get("currentPodHash")
    colours = status.get("blueGreen", {})
    return colours.get("activeSelector"), colours.get("previewSelector")


def _is_synced(metadata: Document) -> bool:
    """Return whether Argo CD tracks a resource, by annotation or by label."""
    is_labelled = APPLICATION in metadata.get("labels", {}).get("app.kubernetes.io/instance", "")
    return TRACKING_ID in metadata.get("annotations", {}) or is_labelled


def _owner_uid(document: Document) -> str | None:
    return next((str(one["uid"]) for one in document["metadata"].get("ownerReferences", [])), None)


def _read_revision(replica_set: Document) -> RolloutRevision:
    metadata, template = replica_set["metadata"], replica_set["spec"]["template"]
    named = template["metadata"].get("annotations", {})
    return RolloutRevision(
        int(metadata["annotations"]["rollout.argoproj.io/revision"]),
        metadata["labels"][POD_HASH],
        template["spec"]["containers"][0]["image"],
        ReleasedModel(named.get("pr-sentinel/model-digest", ""), named.get("pr-sentinel/model-version", "")),
    )

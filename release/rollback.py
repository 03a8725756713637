"""Rollback to an earlier version in production: users first, then the registry, then Git. Every step is idempotent.

Argo CD is paused before the Rollout goes back, because it would restore at once what Git still says. If the command is
killed, `make status` names what disagrees, and running it again does the rest. Once the pull request is merged, running
it again resumes Argo CD and merges main into staging.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from github.PullRequest import PullRequest

from release import image_registry, images
from release.cluster import Cluster, RolloutRevision, RolloutState
from release.git import PRODUCTION, STAGING, Clone
from release.github import GitHubRepo
from release.images import COMPONENT, MODEL, SERVE, Release
from release.settings import ImageSettings
from steps.common.errors import ConfigurationError, DataError, NotFound

BRANCH = re.compile(r"rollback/version-([1-9]\d*)")
Report = Callable[[str], None]


class RolloutAction(NamedTuple):
    """The action that brings an image back on the Rollout.

    `none`, `abort` the update in progress, `undo` to a revision, or `promote` the revision that is already current;
    `gone` if no revision has the image.
    """

    kind: Literal["none", "abort", "undo", "promote", "gone"]
    revision: RolloutRevision | None = None


def find_release(clone: Clone, version: str, settings: ImageSettings) -> Release:
    """Find the release of a model version in production's history, and check that its image still exists.

    Raises:
        NotFound: production never had the version, or its image is gone.
        SentinelError: the image registry can't be queried.
    """
    release = find_in_history(clone, version)
    image_registry.check_image(release.images[SERVE], settings)
    return release


def find_in_history(clone: Clone, version: str) -> Release:
    """Find the newest release of a model version in production's history.

    Raises:
        NotFound: production never had the version.
    """
    known: dict[str, Release] = {}
    for release in clone.history(PRODUCTION):
        known.setdefault(release.model.version, release)
    if version not in known or SERVE not in known[version].images:
        versions = ", ".join(one for one in known if one != images.UNRELEASED) or "none"
        raise NotFound(f"Production never had version {version}.", advice=f"Versions it had: {versions}.")
    return known[version]


def find_version(branch: str) -> str | None:
    """Return the version that the branch of a rollback names; None for any other branch."""
    match = BRANCH.fullmatch(branch)
    return match[1] if match else None


def verify(clone: Clone, commit: str, version: str) -> None:
    """Verify that merging a commit into main restores the image and model of a version, and changes nothing else.

    Raises:
        DataError: it changes something else, or there are merge conflicts.
        NotFound: production never had the version.
    """
    head = clone.head(PRODUCTION)
    wanted = commit_release(clone, head, find_in_history(clone, version))
    if clone.merged_tree(head, commit) != clone.tree(wanted):
        raise DataError(
            f"The pull request is not exactly the rollback to version {version}.",
            advice=f"Close it, delete its branch and run `make rollback VERSION={version}` again.",
        )


def choose_action(serving: RolloutState, image: str) -> RolloutAction:
    """Choose the action that brings an image back, given the state of the Rollout."""
    stable = serving.revision(serving.stable)
    if stable and stable.image == image:
        settled = serving.active == serving.stable and (serving.aborted or serving.current == serving.stable)
        return RolloutAction("none") if settled else RolloutAction("abort")
    current = serving.revision(serving.current)
    if current and current.image == image:
        return RolloutAction("promote", current)
    matching = [revision for revision in serving.revisions.values() if revision.image == image]
    return RolloutAction("undo", max(matching)) if matching else RolloutAction("gone")


def restore_rollout(cluster: Cluster, argo_cd: Cluster, release: Release, report: Report) -> None:
    """Serve users from the old image again.

    Raises:
        ConfigurationError: Argo CD would undo it, because its application is in another cluster.
        Unavailable: a cluster does not respond.
    """
    state, held = cluster.read_state(), argo_cd.is_held()
    if held is None and state.is_synced:
        raise ConfigurationError(
            "Argo CD keeps production's Rollout as it is in Git, but its application, to be paused, was not found.",
            advice="Set ARGO_CD_CONTEXT to the context of the cluster with Argo CD, and ARGO_CD_NAMESPACE if need be.",
        )
    if held is False:
        argo_cd.hold(True)
        report("Argo CD is paused for production until the pull request is merged.")
    wanted = choose_action(state, release.images[SERVE])
    match wanted:
        case RolloutAction("abort"):
            cluster.abort()
            report("The Rollout is aborted: the stable revision serves.")
        case RolloutAction("undo", RolloutRevision() as revision):
            cluster.undo(revision)
            report(f"The Rollout is back at revision {revision.number}.")
        case RolloutAction("promote"):
            cluster.promote()
            report("The Rollout was already going back to this version; it is now promoted.")
        case RolloutAction("gone"):
            report("The Rollout no longer has a revision with this image: merging the pull request brings it back.")
        case _:
            report("The Rollout already serves this version.")


def propose_revert(clone: Clone, hub: GitHubRepo, release: Release) -> PullRequest | None:
    """Open or update the pull request that restores the release's image and model on main; None if they are there.

    Raises:
        Unavailable: Git or GitHub does not respond.
    """
    version = release.model.version
    head, branch = clone.head(PRODUCTION), f"rollback/version-{version}"
    commit = commit_release(clone, head, release)
    if commit == head:
        return None
    expected = clone.remote_head(branch)
    if not expected or clone.tree(expected) != clone.tree(commit):
        clone.push(commit, branch, expected)
    title = f"Roll back to model version {version}"
    text = f"Rolls production back to version {version}, image `{release.images[SERVE]}`. Nothing else changes."
    return hub.open_pull_request(branch, PRODUCTION, title, text)


def commit_release(clone: Clone, head: str, release: Release) -> str:
    """Commit the release's serving image and model on top of main and return the commit."""
    texts = {
        COMPONENT: images.replace_image(clone.show(head, COMPONENT), SERVE, release.images[SERVE]),
        MODEL: images.replace_model(clone.show(head, MODEL), release.model),
    }
    if images.read(texts[COMPONENT], texts[MODEL]) == clone.release(head):
        return head
    return clone.commit(head, texts, f"Roll back to model version {release.model.version}")


def finish(clone: Clone, argo_cd: Cluster | None, report: Report) -> None:
    """Finish a merged rollback: merge main into staging and resume Argo CD.

    Raises:
        DataError: main and staging have merge conflicts.
        Unavailable: Git or the cluster does not respond.
    """
    production = clone.head(PRODUCTION)
    if clone.push_with_retry(
        STAGING, lambda head: head if clone.has_ancestor(head, production) else clone.merge(head, production)
    ):
        report(f"{PRODUCTION} is merged into {STAGING}.")
    if argo_cd and argo_cd.is_held():
        argo_cd.hold(False)
        report("Argo CD is resumed for production.")

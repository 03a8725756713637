"""Back to a version that production has had: users first, then the registry, then Git. Each move may be made twice.

Argo CD is held before the Rollout goes back, for it would put back at once what Git still says. Killed anywhere, `make
status` names what disagrees, and the same command again does the rest; once the pull request is merged, it lets Argo CD
go on and brings staging the merge.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from github.PullRequest import PullRequest

from release import images, registry
from release.cluster import Cluster, Revision, Serving
from release.git import PRODUCTION, STAGING, Clone
from release.github import Hub
from release.images import COMPONENT, MODEL, SERVE, Release
from release.settings import ImageSettings
from steps.common.errors import NotFound

Tell = Callable[[str], None]


class Move(NamedTuple):
    """What the Rollout is told.

    Nothing, to abort what is under way, to undo to a revision, or to promote what it was asked for already; `gone`
    where no revision is the one.
    """

    kind: Literal["none", "abort", "undo", "promote", "gone"]
    revision: Revision | None = None


def earlier(clone: Clone, version: str, settings: ImageSettings) -> Release:
    """The newest release of a model's version that production has had, whose image is still there.

    Raises:
        NotFound: there is none.
        SentinelError: the images' registry does not say.
    """
    known: dict[str, Release] = {}
    for release in clone.history(PRODUCTION):
        known.setdefault(release.model.version, release)
    if version not in known or SERVE not in known[version].images:
        had = ", ".join(one for one in known if one != images.UNRELEASED) or "none"
        raise NotFound(f"Production never had version {version}.", advice=f"It had: {had}.")
    registry.check(known[version].images[SERVE], settings)
    return known[version]


def move(serving: Serving, image: str) -> Move:
    """What brings back an image, from how the Rollout stands."""
    stable = serving.revision(serving.stable)
    if stable and stable.image == image:
        settled = serving.active == serving.stable and (serving.aborted or serving.current == serving.stable)
        return Move("none") if settled else Move("abort")
    current = serving.revision(serving.current)
    if current and current.image == image:
        return Move("promote", current)
    having = [revision for revision in serving.revisions.values() if revision.image == image]
    return Move("undo", max(having)) if having else Move("gone")


def users(cluster: Cluster, argo_cd: Cluster, release: Release, tell: Tell) -> None:
    """Let the old image answer users.

    Raises:
        Unavailable: a cluster does not answer.
    """
    if argo_cd.held() is False:
        argo_cd.hold(True)
        tell("Argo CD leaves production alone until the pull request is merged.")
    wanted = move(cluster.serving(), release.images[SERVE])
    match wanted:
        case Move("abort"):
            cluster.abort()
            tell("The Rollout is aborted: the stable revision answers.")
        case Move("undo", Revision() as revision):
            cluster.undo(revision)
            tell(f"The Rollout goes back to revision {revision.number}.")
        case Move("promote"):
            cluster.promote()
            tell("The Rollout had gone back to it already, and now lets it answer.")
        case Move("gone"):
            tell("No revision of the Rollout has this image any more: it comes back with the merge.")
        case _:
            tell("The Rollout has it already.")


def proposed(clone: Clone, hub: Hub, release: Release) -> PullRequest | None:
    """The pull request that puts the release's image and model back into main; None where they are there.

    Raises:
        Unavailable: Git or GitHub does not answer.
    """
    version = release.model.version
    head, branch = clone.head(PRODUCTION), f"rollback/version-{version}"
    commit = back(clone, head, release)
    if commit == head:
        return None
    expected = clone.remote_head(branch)
    if not expected or clone.tree(expected) != clone.tree(commit):
        clone.push(commit, branch, expected)
    title = f"Roll back to model version {version}"
    text = f"Production goes back to version {version}, image `{release.images[SERVE]}`. Nothing else changes."
    return hub.propose(branch, PRODUCTION, title, text)


def back(clone: Clone, head: str, release: Release) -> str:
    """A commit on main that holds the release's serving image and model, and what main held otherwise."""
    texts = {
        COMPONENT: images.with_image(clone.show(head, COMPONENT), SERVE, release.images[SERVE]),
        MODEL: images.with_model(clone.show(head, MODEL), release.model),
    }
    if images.read(texts[COMPONENT], texts[MODEL]) == clone.release(head):
        return head
    return clone.commit(head, texts, f"Roll back to model version {release.model.version}")


def finish(clone: Clone, argo_cd: Cluster | None, tell: Tell) -> None:
    """What follows the merge: staging gets it, and Argo CD goes on.

    Raises:
        DataError: main and staging contradict each other.
        Unavailable: Git or the cluster does not answer.
    """
    production = clone.head(PRODUCTION)
    if clone.move(STAGING, lambda head: head if clone.contains(head, production) else clone.merge(head, production)):
        tell(f"{STAGING} has what {PRODUCTION} has.")
    if argo_cd and argo_cd.held():
        argo_cd.hold(False)
        tell("Argo CD follows Git again.")

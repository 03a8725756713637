"""Provenance of images: who built them, from which commit, and whether that commit's sources are still the branch's."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from release import image_registry, stages
from release.git import STAGING, Clone
from release.images import Release
from release.settings import ImageSettings, SignerSettings
from steps.common.errors import ConfigurationError, DataError, NotFound

REVISION = "org.opencontainers.image.revision"
"""Label of an image: the commit that it was built from."""
WORKFLOW = ".github/workflows/stage.yml"
ISSUER = "https://token.actions.githubusercontent.com"
BRANCH = f"refs/heads/{STAGING}"
CheckImages = Callable[[Clone, str, Release], list[str]]
"""Returns the objections to the images of a commit's release."""


def find_objections(
    clone: Clone, commit: str, release: Release, registry: ImageSettings, signer: SignerSettings
) -> list[str]:
    """Return the objections to the images of a release on the branch staging at a commit; empty if there are none.

    Raises:
        SentinelError: the registry or cosign can't be used.
    """
    found = []
    for name, reference in release.images.items():
        try:
            verify(clone, commit, name, reference, registry, signer)
        except (DataError, NotFound) as error:
            found.append(f"{name}: {error.problem.rstrip('.')}")
    outdated = find_outdated(clone, commit, release, registry)
    return [*found, *(f"pr-sentinel/{stage} is older than its sources" for stage in outdated)]


def verify(
    clone: Clone, commit: str, name: str, reference: str, registry: ImageSettings, signer: SignerSettings
) -> None:
    """Verify that an image was built and signed by stage.yml on staging, from a commit that a later one contains.

    Raises:
        DataError: it was not.
        NotFound: the image is gone.
        SentinelError: the registry or cosign can't be used.
    """
    if reference.partition("@")[0].rpartition("/")[2] != name.rpartition("/")[2]:
        raise DataError(f"{reference} is not an image of that name.", advice="Write it by the workflow that built it.")
    revision = image_registry.read_labels(reference, registry).get(REVISION, "")
    if not clone.has_commit(revision) or not clone.has_ancestor(commit, revision):
        raise DataError(
            f"it was built from {revision or 'no named commit'}, which {STAGING} does not contain.",
            advice=f"Let the workflow build it on {STAGING}.",
        )
    if not signer.allow_unsigned:
        _verify_signature(reference, revision, signer)


def _verify_signature(reference: str, revision: str, signer: SignerSettings) -> None:
    workflow = f"{signer.github_server_url}/{signer.github_repository}/{WORKFLOW}@{BRANCH}"
    command = [
        "cosign",
        "verify",
        f"--certificate-oidc-issuer={ISSUER}",
        f"--certificate-identity={workflow}",
        f"--certificate-github-workflow-repository={signer.github_repository}",
        f"--certificate-github-workflow-ref={BRANCH}",
        f"--certificate-github-workflow-sha={revision}",
        reference,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    except FileNotFoundError:
        raise ConfigurationError("cosign is not on the PATH.", advice="Install cosign.") from None
    if done.returncode:
        raise DataError(
            f"it is not signed by {WORKFLOW} on {STAGING} at {revision}.",
            advice=f"cosign says: {(done.stderr.strip().splitlines() or ['nothing'])[-1]}",
        )


def find_outdated(clone: Clone, commit: str, release: Release, registry: ImageSettings) -> list[str]:
    """Return the stages whose image in a release is missing, gone, or not built from the sources of a commit.

    An image is compared with the commit that it was itself built from, so no failed or superseded run is forgotten.

    Raises:
        SentinelError: the registry can't be used.
    """
    with clone.checkout(commit) as sources:
        wanted = {stage: stages.fingerprint(sources, stage) for stage in stages.stages(sources)}
    built = {stage: _find_revision(clone, release.images.get(f"pr-sentinel/{stage}"), registry) for stage in wanted}
    current: set[str] = set()
    for revision in set(built.values()) - {""}:
        with clone.checkout(revision) as sources:
            of_it = [stage for stage in wanted if built[stage] == revision]
            current |= {stage for stage in of_it if _find_fingerprint(sources, stage) == wanted[stage]}
    return [stage for stage in wanted if stage not in current]


def _find_revision(clone: Clone, reference: str | None, registry: ImageSettings) -> str:
    """Return the commit that an image was built from; empty if it is unknown."""
    if reference is None:
        return ""
    try:
        revision = image_registry.read_labels(reference, registry).get(REVISION, "")
    except (DataError, NotFound):
        return ""
    return revision if clone.has_commit(revision) else ""


def _find_fingerprint(sources: Path, stage: str) -> str:
    """Return the fingerprint of a stage in a tree; empty if that tree had no such stage."""
    try:
        return stages.fingerprint(sources, stage)
    except DataError:
        return ""

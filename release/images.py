"""The one place in Git that says which images and which model a release is: reading it, and writing it anew."""

import re
from typing import Any, NamedTuple

import yaml

from steps.common.errors import ConfigurationError, DataError

IMAGES = tuple(f"pr-sentinel/{name}" for name in ("fetch", "preprocess", "train", "register", "serve", "checks"))
SERVE = "pr-sentinel/serve"
COMPONENT = "gitops/base/images/kustomization.yaml"
MODEL = "rollouts/model.yaml"
UNRELEASED = "unreleased"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REPOSITORY = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9][a-z0-9._-]*)+")
VERSION = re.compile(r"[1-9]\d*")


class Model(NamedTuple):
    """The model in the serving image: the SHA-256 of its manifest (64 hexadecimal digits), its registry version."""

    digest: str
    version: str


class Release(NamedTuple):
    """Which image (`repository@sha256:…`) stands for each name, of those that have been released; and the model."""

    images: dict[str, str]
    model: Model

    def digest(self, name: str = SERVE) -> str | None:
        """The digest of an image."""
        reference = self.images.get(name)
        return reference.rpartition("@")[2] if reference else None

    def missing(self) -> list[str]:
        """What has not been released yet."""
        return [name for name in IMAGES if name not in self.images]


def read(component: str, model: str) -> Release:
    """The release that the two files hold.

    Raises:
        DataError: one of them holds something else.
    """
    try:
        listed = yaml.safe_load(component)["images"]
        images = {entry["name"]: f"{entry['newName']}@{entry['digest']}" for entry in listed}
        found = yaml.safe_load(model)["spec"]["template"]["metadata"]["annotations"]
        named = Model(str(found["pr-sentinel/model-digest"]), str(found["pr-sentinel/model-version"]))
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(f"{COMPONENT} or {MODEL} can't be read: {error!r}.", advice="Restore them from Git.") from None
    try:
        for name, reference in images.items():
            check(name, reference)
    except ConfigurationError as error:
        raise DataError(f"{COMPONENT}: {error.problem}", advice="Let it be written: release set-digest.") from None
    return Release(images, named)


def check(name: str, reference: str) -> None:
    """Let only known images pass, and only by digest.

    Raises:
        ConfigurationError: it is another image, or has a tag, or no well-formed digest.
    """
    repository, at, digest = reference.partition("@")
    if name not in IMAGES:
        raise ConfigurationError(f"There is no image {name}.", advice=f"There are: {', '.join(IMAGES)}.")
    if not at or not DIGEST.fullmatch(digest):
        raise ConfigurationError(
            f"{reference} names no image by digest.", advice="Give registry/name@sha256:… with 64 digits; tags move."
        )
    if not REPOSITORY.fullmatch(repository):
        raise ConfigurationError(
            f"{repository} is no image's place in a registry.", advice="Give registry/name without a tag."
        )


def with_image(component: str, name: str, reference: str) -> str:
    """The component's text with this image in the place of the one before."""
    check(name, reference)
    repository, _, digest = reference.partition("@")
    entry = {"name": name, "newName": repository, "digest": digest}
    others = [other for other in yaml.safe_load(component)["images"] if other["name"] != name]
    return _rewritten(component, {"images": sorted([*others, entry], key=lambda image: image["name"])})


def with_model(text: str, model: Model) -> str:
    """The patch's text with this model in the place of the one before.

    Raises:
        ConfigurationError: the digest or the version is none.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", model.digest) or not VERSION.fullmatch(model.version):
        raise ConfigurationError(
            f"{model.digest!r}, {model.version!r} name no model.",
            advice="Give the SHA-256 of its manifest, and its version in the registry.",
        )
    named = {"pr-sentinel/model-digest": model.digest, "pr-sentinel/model-version": model.version}
    return _rewritten(text, {"spec": {"template": {"metadata": {"annotations": named}}}})


def _rewritten(text: str, changed: dict[str, Any]) -> str:
    """The same comment at the top, and the content with some of it replaced."""
    comment = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    return comment + str(yaml.safe_dump(yaml.safe_load(text) | changed, sort_keys=False))

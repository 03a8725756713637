"""The images and the model of a release, read from and written to the two files in Git that define them."""

import re
from typing import Any, NamedTuple

import yaml

from steps.common.errors import ConfigurationError, DataError

IMAGES = tuple(
    f"pr-sentinel/{name}" for name in ("fetch", "preprocess", "train", "register", "monitor", "serve", "checks")
)
SERVE = "pr-sentinel/serve"
COMPONENT = "gitops/base/images/kustomization.yaml"
MODEL = "rollouts/model.yaml"
UNRELEASED = "unreleased"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REPOSITORY = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9][a-z0-9._-]*)+")
VERSION = re.compile(r"[1-9]\d*")


class ReleasedModel(NamedTuple):
    """The model in the serving image: the SHA-256 of its manifest (64 hexadecimal digits) and its registry version."""

    digest: str
    version: str


class Release(NamedTuple):
    """The released images by name (`repository@sha256:…`), and the model."""

    images: dict[str, str]
    model: ReleasedModel

    def digest(self, name: str = SERVE) -> str | None:
        """Return the digest of an image."""
        reference = self.images.get(name)
        return reference.rpartition("@")[2] if reference else None

    def missing(self) -> list[str]:
        """Return the images that have not been released yet."""
        return [name for name in IMAGES if name not in self.images]


def read(component: str, model: str) -> Release:
    """Read the release from the contents of the two files.

    Raises:
        DataError: one of them has another form.
    """
    try:
        listed = yaml.safe_load(component)["images"]
        images = {entry["name"]: f"{entry['newName']}@{entry['digest']}" for entry in listed}
        found = yaml.safe_load(model)["spec"]["template"]["metadata"]["annotations"]
        named = ReleasedModel(str(found["pr-sentinel/model-digest"]), str(found["pr-sentinel/model-version"]))
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(f"{COMPONENT} or {MODEL} can't be read: {error!r}.", advice="Restore them from Git.") from None
    try:
        for name, reference in images.items():
            check_reference(name, reference)
    except ConfigurationError as error:
        raise DataError(
            f"{COMPONENT}: {error.problem}", advice="Write it with `python -m release set-digest`."
        ) from None
    return Release(images, named)


def check_reference(name: str, reference: str) -> None:
    """Check that an image is known and referenced by digest.

    Raises:
        ConfigurationError: the image is unknown, has a tag, or has no well-formed digest.
    """
    repository, at, digest = reference.partition("@")
    if name not in IMAGES:
        raise ConfigurationError(f"Unknown image {name}.", advice=f"Use one of {', '.join(IMAGES)}.")
    if not at or not DIGEST.fullmatch(digest):
        raise ConfigurationError(
            f"{reference} has no valid digest.",
            advice="Use registry/name@sha256:… with 64 hexadecimal digits; tags can move.",
        )
    if not REPOSITORY.fullmatch(repository):
        raise ConfigurationError(
            f"{repository} is not a valid image repository.", advice="Use registry/name without a tag."
        )


def check_version(version: str) -> None:
    """Check that this is a version of a model, as the registry counts them.

    Raises:
        ConfigurationError: it is not.
    """
    if not VERSION.fullmatch(version):
        raise ConfigurationError(f"{version!r} is not a model version.", advice="Versions are numbers, from 1 on.")


def replace_image(component: str, name: str, reference: str) -> str:
    """Return the component's text with an image replaced."""
    check_reference(name, reference)
    repository, _, digest = reference.partition("@")
    entry = {"name": name, "newName": repository, "digest": digest}
    others = [other for other in yaml.safe_load(component)["images"] if other["name"] != name]
    return _rewrite(component, {"images": sorted([*others, entry], key=lambda image: image["name"])})


def replace_model(text: str, model: ReleasedModel) -> str:
    """Return the patch's text with the model replaced.

    Raises:
        ConfigurationError: the digest or the version is not valid.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", model.digest) or not VERSION.fullmatch(model.version):
        raise ConfigurationError(
            f"{model.digest!r} and {model.version!r} are not a valid model digest and version.",
            advice="Use the SHA-256 of the model's manifest, and its version in the registry.",
        )
    named = {"pr-sentinel/model-digest": model.digest, "pr-sentinel/model-version": model.version}
    return _rewrite(text, {"spec": {"template": {"metadata": {"annotations": named}}}})


def _rewrite(text: str, changed: dict[str, Any]) -> str:
    """Replace part of a YAML text's content and keep the comment at its top."""
    comment = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    return comment + str(yaml.safe_dump(yaml.safe_load(text) | changed, sort_keys=False))

"""Writes an image's digest into a commit, and with the service's the model that is in it."""

from release import images
from release.git import Clone
from release.images import COMPONENT, MODEL, SERVE, Model
from steps.common.errors import ConfigurationError


def check(image: str, reference: str, model: Model | None) -> None:
    """Let pass what can be written.

    Raises:
        ConfigurationError: the image is unknown or has no digest, or the service comes without its model, or another
            image with one.
    """
    images.check(image, reference)
    if (model is not None) != (image == SERVE):
        raise ConfigurationError(
            f"{image} comes {'without its' if model is None else 'with a'} model.",
            advice=f"Give --model-digest and --model-version with {SERVE}, and with it alone.",
        )


def commit(clone: Clone, head: str, image: str, reference: str, model: Model | None) -> str:
    """A commit on `head` that names the image so; `head` itself where it does already."""
    component, patch = (clone.show(head, path) for path in (COMPONENT, MODEL))
    texts = {
        COMPONENT: images.with_image(component, image, reference),
        MODEL: images.with_model(patch, model) if model else patch,
    }
    if images.read(*texts.values()) == images.read(component, patch):
        return head
    return clone.commit(head, texts, f"{image} is {reference.partition('@')[2]}")

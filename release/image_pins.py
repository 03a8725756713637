"""Image pins: commits that set an image's digest, together with the model of the serving image."""

from release import images
from release.git import Clone
from release.images import COMPONENT, MODEL, SERVE, ReleasedModel
from steps.common.errors import ConfigurationError


def check(image: str, reference: str, model: ReleasedModel | None) -> None:
    """Check an image reference and its model before anything is written.

    Raises:
        ConfigurationError: the image is unknown or has no digest, the serving image comes without a model, or another
            image with one.
    """
    images.check_reference(image, reference)
    if (model is not None) != (image == SERVE):
        raise ConfigurationError(
            f"{image} was given {'without its' if model is None else 'with a'} model.",
            advice=f"Use --model-digest and --model-version with {SERVE}, and only with {SERVE}.",
        )


def commit_pin(clone: Clone, head: str, image: str, reference: str, model: ReleasedModel | None) -> str:
    """Commit an image reference on top of `head` and return the commit; `head` itself if it is already set."""
    component, patch = (clone.show(head, path) for path in (COMPONENT, MODEL))
    texts = {
        COMPONENT: images.replace_image(component, image, reference),
        MODEL: images.replace_model(patch, model) if model else patch,
    }
    if images.read(*texts.values()) == images.read(component, patch):
        return head
    return clone.commit(head, texts, f"{image} is {reference.partition('@')[2]}")

"""The one file with the images' digests: what may be written into it, and what is read from it."""

import re

import pytest
import yaml

from release import image_pins, images
from release.images import COMPONENT, IMAGES, MODEL, SERVE, ReleasedModel
from steps.common.errors import ConfigurationError, DataError
from tests.support.manifests import ROOT, documents

DIGEST = f"sha256:{'a' * 64}"
EMPTY = "# why\nimages: []\n"
ANNOTATIONS = "{pr-sentinel/model-digest: unreleased, pr-sentinel/model-version: unreleased}"
PATCH = f"# why\nspec: {{template: {{metadata: {{annotations: {ANNOTATIONS}}}}}}}\n"


def test_an_image_takes_the_place_of_the_one_before() -> None:
    """Others stay, in one order, and so does the comment; writing it twice changes nothing."""
    text = EMPTY
    for name, place in (
        (SERVE, "one.example:5000/a"),
        ("pr-sentinel/fetch", "two.example/b"),
        (SERVE, "three.example/c"),
        ("pr-sentinel/fetch", "four.example/d"),
    ):
        text = images.replace_image(text, name, f"{place}@{DIGEST}")
        assert images.replace_image(text, name, f"{place}@{DIGEST}") == text
    assert text.startswith("# why\n")
    assert [one["name"] for one in yaml.safe_load(text)["images"]] == sorted(["pr-sentinel/fetch", SERVE])
    assert text.index("name: pr-sentinel/fetch") < text.index("newName: four.example/d") < text.index(DIGEST)
    assert images.read(text, PATCH).images == {
        "pr-sentinel/fetch": f"four.example/d@{DIGEST}",
        SERVE: f"three.example/c@{DIGEST}",
    }


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("pr-sentinel/serve", "registry.example/a:1"),
        ("pr-sentinel/serve", "registry.example/a:latest"),
        ("pr-sentinel/serve", f"registry.example/a:1@{DIGEST}"),
        ("pr-sentinel/serve", "registry.example/a"),
        ("pr-sentinel/serve", f"registry.example/a@{DIGEST[:-1]}"),
        ("pr-sentinel/serve", f"registry.example/a@{DIGEST}0"),
        ("pr-sentinel/serve", f"registry.example/a@{DIGEST.upper()}"),
        ("pr-sentinel/serve", f"registry.example/a@{DIGEST}\n"),
        ("pr-sentinel/serve", f"registry.example/a@{DIGEST.replace('sha256', 'sha512')}"),
        ("pr-sentinel/serve", f"@{DIGEST}"),
        ("pr-sentinel/serve", f"a@{DIGEST}"),
        ("pr-sentinel/serve", f"Registry.example/A@{DIGEST}"),
        ("pr-sentinel/serve", f"registry.example/a b@{DIGEST}"),
        ("pr-sentinel/other", f"registry.example/a@{DIGEST}"),
        ("serve", f"registry.example/a@{DIGEST}"),
        ("", ""),
    ],
)
def test_tags_malformed_digests_and_unknown_images_are_refused(name: str, reference: str) -> None:
    """When they are written, and when they are read."""
    with pytest.raises(ConfigurationError):
        images.replace_image(EMPTY, name, reference)
    repository, _, digest = reference.partition("@")
    entry = {"name": name, "newName": repository, "digest": digest}
    with pytest.raises(DataError):
        images.read(yaml.safe_dump({"images": [entry]}), PATCH)


@pytest.mark.parametrize("text", ["", "images: 3", "images: [{name: pr-sentinel/serve}]", "{", "[]"])
def test_a_file_that_holds_something_else_is_refused(text: str) -> None:
    """By name, without a trace."""
    with pytest.raises(DataError, match="can't be read"):
        images.read(text, PATCH)
    with pytest.raises(DataError, match="can't be read"):
        images.read(EMPTY, text)


NO_DIGESTS = ["", "a" * 63, "a" * 65, "g" * 64, "A" * 64, f"{'a' * 64}\n", f" {'a' * 64}"]
NO_VERSIONS = ["", "0", "one", "1\n", "1x", " 1"]
NO_MODELS = [*((digest, "1") for digest in NO_DIGESTS), *(("a" * 64, version) for version in NO_VERSIONS)]


@pytest.mark.parametrize("model", [ReleasedModel(*named) for named in NO_MODELS])
def test_an_invalid_model_is_refused(model: ReleasedModel) -> None:
    """By the form of its digest and its version."""
    with pytest.raises(ConfigurationError, match="not a valid model digest and version"):
        images.replace_model(PATCH, model)


def test_the_service_comes_with_its_model_and_nothing_else_does() -> None:
    """Else the analysis would look for another model than the image's."""
    reference, model = f"registry.example/a@{DIGEST}", ReleasedModel("a" * 64, "1")
    image_pins.check(SERVE, reference, model)
    image_pins.check("pr-sentinel/fetch", reference, None)
    with pytest.raises(ConfigurationError, match="without its model"):
        image_pins.check(SERVE, reference, None)
    with pytest.raises(ConfigurationError, match="with a model"):
        image_pins.check("pr-sentinel/fetch", reference, model)


def test_the_images_are_those_of_the_manifests() -> None:
    """Every image of ours that a cluster is given has a place in a release, and no other has."""
    text = yaml.safe_dump_all(documents())
    assert set(re.findall(r"(?:image|value): (pr-sentinel/[a-z]+)\n", text)) == set(IMAGES)


def test_the_committed_files_are_readable() -> None:
    """The files of this tree."""
    release = images.read((ROOT / COMPONENT).read_text(), (ROOT / MODEL).read_text())
    assert set(release.images) | set(release.missing()) == set(IMAGES)


@pytest.mark.parametrize("version", ["", "0", "-1", "1.0", "latest", "1; id", "--help", "1\n2", "٣"])
def test_a_version_is_a_number(version: str) -> None:
    """Whatever else is asked for is refused before anything is looked up."""
    with pytest.raises(ConfigurationError, match="is not a model version"):
        images.check_version(version)

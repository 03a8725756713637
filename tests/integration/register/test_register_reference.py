"""Versions are measured on one reference set, which the first hands on and from which losses are counted."""

from typing import Any

import pytest
from mlflow import MlflowClient

from steps.register.registry import decide_and_register
from tests.support.model_versions import NAME, champion


def find_tags(client: MlflowClient, version: str) -> tuple[str, float]:
    """The reference set of a version, and its figure there."""
    tags = client.get_model_version(NAME, version).tags
    return tags["reference"], float(tags["reference_average_precision"])


def test_versions_hand_the_reference_set_on(client: MlflowClient, trainings: Any) -> None:
    """It is the dataset of the first; later ones are measured on it too."""
    decide_and_register(**trainings["good"])
    decide_and_register(**trainings["newer"])
    (first, figure), (second, later) = (find_tags(client, version) for version in ("1", "2"))
    assert first == second == trainings["good"]["dataset_uri"] != trainings["newer"]["dataset_uri"]
    run = client.get_run(trainings["good"]["run_id"])
    assert figure == pytest.approx(run.data.metrics["injected.all.model.average_precision"], abs=1e-5)
    assert later == pytest.approx(figure, abs=0.02)


def test_a_champion_before_the_last_is_what_losses_are_counted_from(client: MlflowClient, trainings: Any) -> None:
    """The last one had lost a little already."""
    decide_and_register(**trainings["good"])
    decide_and_register(**trainings["newer"])
    _, figure = find_tags(client, "1")
    client.set_model_version_tag(NAME, "1", "reference_average_precision", str(figure + 0.03))
    answer = decide_and_register(**trainings["newest"])
    assert (answer["decision"], champion(client)) == ("refused", "2")
    assert answer["reason"].startswith("Losses add up: ")
    assert f"version 1 had {figure + 0.03:.3f}" in answer["reason"]
    client.set_model_version_tag(NAME, "1", "reference_average_precision", str(figure))
    assert decide_and_register(**trainings["newest"])["decision"] == "accepted"


def test_a_figure_on_another_reference_set_does_not_count(client: MlflowClient, trainings: Any) -> None:
    """Nor do those of long ago, or of a version that never was champion."""
    decide_and_register(**trainings["good"])
    decide_and_register(**trainings["newer"])
    client.set_model_version_tag(NAME, "1", "reference_average_precision", "0.999")
    client.set_model_version_tag(NAME, "1", "reference", "file:///another/set")
    assert decide_and_register(**trainings["newest"])["decision"] == "accepted"


def test_a_champion_without_a_reference_set_begins_with_the_challengers(client: MlflowClient, trainings: Any) -> None:
    """It was registered before there was one, and is measured now."""
    decide_and_register(**trainings["good"])
    for name in ("reference", "reference_average_precision"):
        client.delete_model_version_tag(NAME, "1", name)
    assert decide_and_register(**trainings["newer"])["decision"] == "accepted"
    assert find_tags(client, "2")[0] == trainings["newer"]["dataset_uri"]


@pytest.mark.parametrize("uri", ["datasets/" + "0" * 64, "elsewhere"])
def test_a_reference_set_that_is_gone_refuses_whatever_comes(client: MlflowClient, trainings: Any, uri: str) -> None:
    """Until a person says what to measure on."""
    decide_and_register(**trainings["good"])
    store = trainings["good"]["dataset_uri"].rpartition("/datasets/")[0]
    client.set_model_version_tag(NAME, "1", "reference", f"{store}/{uri}")
    answer = decide_and_register(**trainings["newer"])
    assert (answer["decision"], champion(client)) == ("refused", "1")
    assert answer["reason"].startswith("No comparison: The reference set can't be compared")

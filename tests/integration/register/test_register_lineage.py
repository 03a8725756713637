"""The lineage of register: what it judged, and what is new because of it."""

from typing import Any

import pytest
from mlflow import MlflowClient

from steps.common.step_frame import run_step
from steps.register.registry import decide_and_register
from tests.support.lineage_sink import find_datasets, get_tags, receiving_own

Names = set[tuple[str, str]]


def register(given: dict[str, str]) -> tuple[Names, Names, dict[str, str]]:
    """Names and versions of what was read and written, and the tags, as a sink gets them."""
    with receiving_own() as sink, run_step("register"):
        decide_and_register(**given)
    end = sink.events[-1]
    read, written = (
        {(name.rpartition("/")[2], version) for _, name, version in find_datasets(end, side)}
        for side in ("inputs", "outputs")
    )
    return read, written, get_tags(end)


def test_an_accepted_model_is_a_version_that_was_written(client: MlflowClient, trainings: Any) -> None:
    """From the run and the dataset, with its Bento; later on also from the champion that it was compared with."""
    given = trainings["good"]
    read, written, tags = register(given)
    version = client.get_model_version("pr-sentinel", "1")
    dataset = ("datasets", given["dataset_uri"].rpartition("/")[2])
    assert read == {("pr-sentinel", given["run_id"]), dataset}
    assert written == {("pr-sentinel", "1"), ("bentos", version.tags["bento"])}
    assert (tags["decision"], tags["reason"]) == ("accepted", version.tags["reason"])
    read, _, _ = register(trainings["newer"])
    assert ("pr-sentinel", "1") in read


@pytest.mark.usefixtures("client")
def test_a_refused_model_and_the_same_one_again_write_nothing(trainings: Any) -> None:
    """The decision is known nevertheless."""
    _, written, tags = register(trainings["worthless"])
    assert (written, tags["decision"]) == (set(), "refused")
    register(trainings["good"])
    _, written, tags = register(trainings["good"])
    assert (written, tags["decision"]) == (set(), "unchanged")

"""What a cluster gets is valid by the schemas that its API server checks with, and what is not is refused."""

import pytest
import yaml

from tests.support import manifests
from tests.support.refusals import Refusal, refusals
from tests.support.schemas import NEXT_WORKFLOWS, faults


@pytest.mark.parametrize(
    "document", manifests.documents(), ids=lambda each: f"{each['kind']}-{each['metadata']['name']}"
)
def test_what_a_cluster_gets_is_valid(document: manifests.Document) -> None:
    """By the full schemas, which refuse unknown and ill-typed fields."""
    assert faults(document) == []


def test_workflows_are_valid_in_the_next_version_of_argo_too() -> None:
    """So that a cluster can be brought to it without another version of the project."""
    workflows = [one for one in manifests.documents() if one["apiVersion"].startswith("argoproj.io/")]
    workflows = [one for one in workflows if "Workflow" in one["kind"]]
    assert len(workflows) == 4
    assert {one["metadata"]["name"]: found for one in workflows if (found := faults(one, NEXT_WORKFLOWS))} == {}


@pytest.mark.parametrize("pod", manifests.pods(), ids=lambda pod: pod["metadata"]["name"])
def test_what_is_made_of_it_is_valid(pod: manifests.Document) -> None:
    """The patches of Argo's containers are text until then, so nothing else has checked them."""
    assert faults(pod) == []


@pytest.mark.parametrize("refusal", refusals("schema"), ids=lambda refusal: refusal.path.stem)
def test_what_must_be_refused_is_refused_for_its_reason(refusal: Refusal) -> None:
    """Each manifest's first line says where it is wrong, and how."""
    assert faults(yaml.safe_load(refusal.path.read_text("utf-8"))) == [refusal.words]


@pytest.mark.parametrize("refusal", refusals("cluster"), ids=lambda refusal: refusal.path.stem)
def test_what_a_cluster_must_refuse_is_well_formed(refusal: Refusal) -> None:
    """Else it would be refused for that, and not for its reason."""
    assert faults(yaml.safe_load(refusal.path.read_text("utf-8"))) == []


def test_there_is_something_to_refuse() -> None:
    """A moved folder would make the tests above pass by themselves."""
    assert len(refusals("schema")) >= 5
    assert len(refusals("cluster")) >= 5

"""The variant for an A/B comparison keeps the pod and the analyses, and splits requests between two revisions."""

from typing import Any

import yaml

from tests.support import manifests
from tests.support.schemas import faults

SPLIT = manifests.ROOT / "rollouts" / "split"
(ROLLOUT,) = manifests.of_kind("Rollout")
(OPERATION,) = yaml.safe_load((SPLIT / "strategy.yaml").read_text("utf-8"))
CANARY: dict[str, Any] = OPERATION["value"]["canary"]


def test_it_is_valid_in_the_place_of_the_usual_strategy() -> None:
    """By Argo Rollouts' own schema."""
    assert (OPERATION["op"], OPERATION["path"]) == ("replace", "/spec/strategy")
    assert faults(ROLLOUT | {"spec": ROLLOUT["spec"] | {"strategy": OPERATION["value"]}}) == []


def test_it_asks_the_same_of_a_revision() -> None:
    """With the same arguments, before a person decides."""
    usual = ROLLOUT["spec"]["strategy"]["blueGreen"]
    weight, analysis, pause = CANARY["steps"]
    assert weight == {"setWeight": 50}
    assert analysis["analysis"] == usual["prePromotionAnalysis"]
    assert CANARY["analysis"]["templates"] == usual["postPromotionAnalysis"]["templates"]
    # Users reach both revisions, so pull requests are replayed to the new one by its own Service.
    *args, service = CANARY["analysis"]["args"]
    assert args == usual["postPromotionAnalysis"]["args"]
    assert service == {"name": "service", "value": CANARY["canaryService"]}
    assert pause == {"pause": {}}


def test_users_reach_both_revisions() -> None:
    """By a Service that knows no revision."""
    service = yaml.safe_load((SPLIT / "service.yaml").read_text("utf-8"))
    assert faults(service) == []
    assert service["spec"]["selector"] == ROLLOUT["spec"]["selector"]["matchLabels"]

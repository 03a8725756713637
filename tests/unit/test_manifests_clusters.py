"""Staging trains the model and production serves it, each by what is in its own folder."""

import json

from tests.support import manifests


def read_parameters(environment: str) -> dict[str, str]:
    """Return the parameters of an environment's nightly workflow, with the defaults of the template."""
    found = manifests.documents(manifests.ROOT / "gitops" / "clusters" / environment)
    schedule, template = (
        next(one for one in found if (one["kind"], one["metadata"]["name"]) == (kind, "pr-sentinel"))
        for kind in ("CronWorkflow", "WorkflowTemplate")
    )
    given = [template["spec"]["arguments"], schedule["spec"]["workflowSpec"]["arguments"]]
    return {one["name"]: one["value"] for arguments in given for one in arguments["parameters"]}


def test_staging_alone_trains() -> None:
    """Production serves what staging has proved; its nightly runs only renew the histories that its service reads."""
    assert {name: read_parameters(name)["train"] for name in ("staging", "production")} == {
        "staging": "true",
        "production": "false",
    }


def test_staging_follows_all_repositories_of_production() -> None:
    """Else its model would not know them."""
    staging, production = (set(json.loads(read_parameters(name)["repositories"])) for name in ("staging", "production"))
    assert production <= staging

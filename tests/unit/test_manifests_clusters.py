"""Staging trains the model and production serves it, each by what is in its own folder."""

import json

from tests.support import manifests


def read_parameters(environment: str, name: str = "pr-sentinel") -> dict[str, str]:
    """Return the parameters of an environment's scheduled workflow, with the defaults of the template."""
    found = manifests.documents(manifests.ROOT / "gitops" / "clusters" / environment)
    schedule, template = (
        next(one for one in found if (one["kind"], one["metadata"]["name"]) == (kind, name))
        for kind in ("CronWorkflow", "WorkflowTemplate")
    )
    given = [template["spec"], schedule["spec"]["workflowSpec"]]
    return {one["name"]: one["value"] for spec in given for one in spec.get("arguments", {}).get("parameters", [])}


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


def test_drift_is_that_from_what_users_get() -> None:
    """Production's predictions are those of the version `production`, which lags behind the champion."""
    assert {name: read_parameters(name, "pr-sentinel-monitor")["alias"] for name in ("staging", "production")} == {
        "staging": "champion",
        "production": "production",
    }

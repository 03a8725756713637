"""A step's subprocess sees the settings of its own step, and nothing else that a person's shell knows."""

from typing import Any

import pytest

from local.engine import template_reader
from local.engine.environment import find_settings, select
from release.settings import GitHubRepoSettings, ImageSettings
from steps.common.settings import STEP_SETTINGS, ServeSettings

KINDS: list[Any] = [*STEP_SETTINGS.values(), ServeSettings, GitHubRepoSettings, ImageSettings]
EVERYTHING = {name.upper(): f"secret of {name}" for kind in KINDS for name in kind.model_fields}
SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "https_proxy": "http://proxy",
    "PYTHONPATH": "/code",
    "JAVA_HOME": "/java",
    "LC_ALL": "C",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector",
    "OPENLINEAGE_URL": "http://marquez",
    "OPENLINEAGE__TRANSPORT__TYPE": "http",
}
OTHERS = {
    "VAULT_ADDR": "http://vault",
    "VAULT_TOKEN": "root",
    "GH_TOKEN": "gh",
    "NPM_TOKEN": "npm",
    "DATABASE_URL": "postgres://",
    "SSH_AUTH_SOCK": "/tmp/agent",  # noqa: S108  a variable's value
    "KUBECONFIG": "/home/me/.kube/config",
}
LIBRARIES = {"AWS_PROFILE": "mine", "MLFLOW_TRACKING_PASSWORD": "mine"}


@pytest.mark.parametrize("step", [*STEP_SETTINGS])
def test_a_step_sees_its_own_settings_and_no_others(step: str) -> None:
    """Whatever the others and the shell know."""
    kind = STEP_SETTINGS[step]
    found = select(kind, EVERYTHING | SHELL | OTHERS)
    own = {name.upper() for name in kind.model_fields}
    assert found == {name: EVERYTHING[name] for name in own} | SHELL


def test_secrets_are_where_they_belong() -> None:
    """The token in fetch, the keys of the store and MongoDB nowhere else, releases nowhere but register."""
    seen = {step: set(select(kind, EVERYTHING)) for step, kind in STEP_SETTINGS.items()}
    holders = {
        name: {step for step, names in seen.items() if name in names}
        for name in (
            "GITHUB_TOKEN",
            "MONGO_URI",
            "S3_SECRET_ACCESS_KEY",
            "RELEASE_TOKEN",
            "MODEL_SIGNING_KEY",
            "WEBHOOK_SECRET",
        )
    }
    assert holders == {
        "GITHUB_TOKEN": {"fetch"},
        "MONGO_URI": {"fetch", "preprocess", "monitor"},
        "S3_SECRET_ACCESS_KEY": {"preprocess", "train", "register", "monitor"},
        "RELEASE_TOKEN": {"register"},
        "MODEL_SIGNING_KEY": {"register"},
        "WEBHOOK_SECRET": set(),
    }


def test_what_libraries_read_by_themselves_goes_to_whom_they_serve() -> None:
    """The store's and MLflow's, not GitHub's."""
    seen = {step: set(select(kind, LIBRARIES)) for step, kind in STEP_SETTINGS.items()}
    both = {step: {*LIBRARIES} for step in ("train", "register", "monitor")}
    assert seen == {"fetch": set(), "preprocess": {"AWS_PROFILE"}, **both}


def test_without_a_step_there_are_no_settings() -> None:
    """Nor for a role that nobody knows."""
    assert select(None, EVERYTHING | SHELL | OTHERS | LIBRARIES) == SHELL
    assert find_settings({}) is None
    assert find_settings({"VAULT_ROLE": "pr-sentinel-other"}) is None


def test_every_step_of_the_pipeline_has_settings_by_its_role() -> None:
    """As rendered for the cluster, where Vault's paths do the same."""
    spec = template_reader.read(template_reader.TEMPLATE).spec
    found = {name: find_settings(container.script.literals) for name, container in spec.containers.items()}
    assert found == {
        "discover": STEP_SETTINGS["fetch"],
        "fetch": STEP_SETTINGS["fetch"],
        "preprocess": STEP_SETTINGS["preprocess"],
        "train": STEP_SETTINGS["train"],
        "register": STEP_SETTINGS["register"],
        "conclude": STEP_SETTINGS["register"],
    }

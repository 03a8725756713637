"""What an environment's overlay needs, from the outputs of its root: no value is typed twice."""

import ipaddress
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).parent
GITOPS = INFRA.parent / "gitops"
CLOUDS = ("digitalocean", "aws", "gcp")
ENVIRONMENTS = ("staging", "production")
OPTIONAL = (
    ("serve", "webhook_secret"),
    ("register", "release_repository"),
    ("register", "release_token"),
    ("register", "model_signing_key"),
)
"""Secrets of steps that come from the environment if they are set there."""
REQUIRED = ("PRIVATE_NETWORK", "HOSTNAME", "STORE_URL", "VAULT_ADDR")
GENERATED = "# Generated from the outputs of infra/{cloud}; do not edit: make cluster-settings CLOUD={cloud}\n"
GITHUB = ("fetch", "serve")
MLFLOW = ("train", "register", "monitor")
MLFLOW_URI = "http://mlflow.pr-sentinel-backing.svc:5000"
Values = Mapping[str, Any]


class OverlayError(Exception):
    """Outputs that an overlay can't be made from; the message names what to do."""


def read_outputs(cloud: str) -> dict[str, Any]:
    """Return a root's outputs as OpenTofu, or Terraform, reports them; Raises: OverlayError."""
    program = shutil.which("tofu") or shutil.which("terraform")
    if not program:
        raise OverlayError("Neither tofu nor terraform is on the PATH: install one, or give --outputs FILE.")
    command = [program, f"-chdir={INFRA / cloud}", "output", "-json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OverlayError(
            f"{program} has no outputs of infra/{cloud}: run apply first. It says: {done.stderr.strip()}"
        )
    return dict(json.loads(done.stdout))


def get_value(outputs: Values, name: str) -> Any:
    """Return the value of one output; Raises: OverlayError."""
    try:
        return outputs[name]["value"]
    except (KeyError, TypeError):
        raise OverlayError(f"The outputs have no {name}: run apply with this version of the root.") from None


def validate(values: Values, environment: str) -> dict[str, str]:
    """Return the settings as text; Raises: OverlayError naming the first value that an overlay can't have."""
    if (found := values.get("ENVIRONMENT")) != environment:
        raise OverlayError(f"The outputs are those of {found}, not of {environment}: choose the other state by init.")
    if missing := [name for name in REQUIRED if name not in values]:
        raise OverlayError(f"The outputs have no {' and no '.join(missing)}: run apply with this version of the root.")
    for name, value in values.items():
        if not isinstance(value, str) or not value or value != value.strip() or "\n" in value:
            raise OverlayError(f"{name} is not one line of text: {value!r}.")
    try:
        network = ipaddress.ip_network(values["PRIVATE_NETWORK"])
    except ValueError as error:
        raise OverlayError(f"PRIVATE_NETWORK is not a network: {error}.") from None
    if not network.is_private or network.prefixlen == 0:
        raise OverlayError(f"PRIVATE_NETWORK is {network}, which is not private: policies would allow everybody.")
    return {name: value for name, value in sorted(values.items()) if name != "ENVIRONMENT"}


def render(cloud: str, settings: Values) -> dict[str, str]:
    """Return the files of the overlay's folder `cloud`, by name."""
    component = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": ["cloud.yaml"],
        "components": [f"../../../components/{cloud}"],
    }
    values = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cloud", "annotations": {"config.kubernetes.io/local-config": "true"}},
        "data": dict(settings),
    }
    head = GENERATED.format(cloud=cloud)
    return {
        name: head + yaml.safe_dump(content, sort_keys=False)
        for name, content in (("kustomization.yaml", component), ("cloud.yaml", values))
    }


def write(cloud: str, environment: str, outputs: Values, gitops: Path = GITOPS) -> Path:
    """Write an environment's overlay and return its folder; Raises: OverlayError."""
    files = render(cloud, validate(get_value(outputs, "cluster_settings"), environment))
    folder = gitops / "clusters" / environment / "cloud"
    for name, content in files.items():
        (folder / name).write_text(content, "utf-8")
    return folder


def build_secrets(outputs: Values, environ: Mapping[str, str] = os.environ) -> dict[str, dict[str, str]]:
    """Return each step's secrets: those of the outputs, and GITHUB_TOKEN and the like from the environment.

    Raises:
        OverlayError: GITHUB_TOKEN is not set.
    """
    if not (token := environ.get("GITHUB_TOKEN")):
        raise OverlayError("GITHUB_TOKEN is not set: fetch needs a token that may read the repositories.")
    secrets = {step: dict(values) for step, values in get_value(outputs, "secrets").items()}
    for step in GITHUB:
        secrets.setdefault(step, {})["github_token"] = token
    for step in MLFLOW:
        secrets.setdefault(step, {})["mlflow_uri"] = environ.get("MLFLOW_URI", MLFLOW_URI)
    for step, name in OPTIONAL:
        if value := environ.get(name.upper()):
            secrets[step][name] = value
    return secrets

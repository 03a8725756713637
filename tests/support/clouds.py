"""What the clouds' roots would have as outputs, and the overlays that come of it."""

import shutil
from pathlib import Path
from typing import Any

from infra import overlay
from tests.support.manifests import ROOT

ROLES = ("preprocess", "executor", "train", "register", "monitor")
STAGING = {
    "ENVIRONMENT": "staging",
    "HOSTNAME": "staging.example.com",
    "STORE_URL": "s3://pr-sentinel-staging-example",
    "VAULT_ADDR": "https://vault.example.com",
}
SETTINGS = {
    "digitalocean": STAGING
    | {
        "PRIVATE_NETWORK": "10.110.0.0/20",
        "REGISTRY": "registry.digitalocean.com/example",
        "PULL_SECRET": "example",
        "S3_ENDPOINT_URL": "https://fra1.digitaloceanspaces.com",
    },
    "aws": STAGING
    | {
        "PRIVATE_NETWORK": "10.130.0.0/16",
        "CLUSTER_DNS": "172.20.0.10/32",
        "REGISTRY": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    | {f"ROLE_{step.upper()}": f"arn:aws:iam::123456789012:role/{step}" for step in ROLES},
    "gcp": STAGING
    | {
        "PRIVATE_NETWORK": "10.150.0.0/20",
        "REGISTRY": "europe-west3-docker.pkg.dev/example/pr-sentinel",
        "S3_ENDPOINT_URL": "https://storage.googleapis.com",
    },
}


def build_outputs(values: dict[str, Any]) -> dict[str, Any]:
    """Outputs as `tofu output -json` prints them."""
    return {"cluster_settings": {"value": values}, "secrets": {"value": {"fetch": {"mongo_uri": "mongodb://x"}}}}


def write_overlay(cloud: str, environment: str, folder: Path) -> Path:
    """Copy all manifests, write the environment's overlay as `make cluster-settings` does, and return its folder."""
    for part in ("gitops", "rollouts"):
        shutil.copytree(ROOT / part, folder / part)
    outputs = build_outputs(SETTINGS[cloud] | {"ENVIRONMENT": environment})
    return overlay.write(cloud, environment, outputs, folder / "gitops").parent

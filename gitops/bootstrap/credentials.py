"""Write each step's secrets for the services of a trial, in the form that `vault/apply.py --secrets -` reads.

Missing passwords are generated and stored in the service's Secret. GITHUB_TOKEN comes from the environment, and so do
RELEASE_REPOSITORY and RELEASE_TOKEN if register should request the image of a new champion from GitHub; the token needs
Actions: write for the repository and no other permission. With MODEL_SIGNING_KEY register signs models.
"""

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys

import yaml

NAMESPACE = "pr-sentinel-backing"
PASSWORDS = {
    "mongodb": ("root", "fetch", "preprocess", "monitor", "serve", "checks"),
    "versitygw": ("access-key", "secret-key"),
}
OPTIONAL = ("release_repository", "release_token", "model_signing_key")


def ensure_passwords(service: str) -> dict[str, str]:
    """Return a service's passwords by their names in its Secret, which is created if necessary."""
    found = kubectl("get", "secret", service, "--ignore-not-found", "--output", "json")
    if found:
        passwords = {name: base64.b64decode(value).decode() for name, value in json.loads(found)["data"].items()}
        if missing := [name for name in PASSWORDS[service] if name not in passwords]:
            sys.exit(f"The Secret {service} lacks {', '.join(missing)}: add them, and their users to {service}.")
        return passwords
    made = {name: secrets.token_urlsafe(24) for name in PASSWORDS[service]}
    described = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": service}, "stringData": made}
    kubectl("create", "--filename", "-", stdin=json.dumps(described))
    return made


def kubectl(*arguments: str, stdin: str = "") -> str:
    """Run kubectl and return its output; its errors go to standard error."""
    command = ["kubectl", "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def of_steps(passwords: dict[str, dict[str, str]], github_token: str) -> dict[str, dict[str, str]]:
    """Return the secrets at each step's path in Vault; a step only gets those of the services that it uses."""

    def mongo(user: str) -> dict[str, str]:
        where = f"mongodb.{NAMESPACE}.svc:27017/?authSource=pr_sentinel"
        return {"mongo_uri": f"mongodb://{user}:{passwords['mongodb'][user]}@{where}"}

    store = {
        "store_url": "s3://pr-sentinel",
        "s3_endpoint_url": f"http://versitygw.{NAMESPACE}.svc:7070",
        "s3_access_key_id": passwords["versitygw"]["access-key"],
        "s3_secret_access_key": passwords["versitygw"]["secret-key"],
    }
    tracking = {"mlflow_uri": f"http://mlflow.{NAMESPACE}.svc:5000"}
    asking = {name: os.environ[name.upper()] for name in OPTIONAL if name.upper() in os.environ}
    return {
        "fetch": {**mongo("fetch"), "github_token": github_token},
        "preprocess": {**mongo("preprocess"), **store},
        "train": {**store, **tracking},
        "register": {**store, **tracking, **asking},
        "monitor": {**mongo("monitor"), **store, **tracking},
        "serve": {**mongo("serve"), "github_token": github_token},
        "checks": mongo("checks"),
    }


def main() -> None:
    """Write the secrets of all steps as YAML."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not (github_token := os.environ.get("GITHUB_TOKEN")):
        sys.exit("GITHUB_TOKEN is not set: fetch needs a token that may read the repositories.")
    yaml.safe_dump(of_steps({service: ensure_passwords(service) for service in PASSWORDS}, github_token), sys.stdout)


if __name__ == "__main__":
    main()

"""Write each step's secrets for the services of a trial, as `vault/apply.py --secrets -` reads them.

Passwords are made at random where a service has none, and kept in its Secret. GITHUB_TOKEN comes from the environment,
and so do RELEASE_REPOSITORY and RELEASE_TOKEN, if register is to ask GitHub for the image of a new champion: the token
needs Actions: write of that one repository, and no other right.
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
PASSWORDS = {"mongodb": ("root", "fetch", "preprocess", "serve", "checks"), "versitygw": ("access-key", "secret-key")}
RELEASE = ("release_repository", "release_token")


def kept(service: str) -> dict[str, str]:
    """A service's passwords, by their names in its Secret; they are made if there is none."""
    found = kubectl("get", "secret", service, "--ignore-not-found", "--output", "json")
    if found:
        there = {name: base64.b64decode(value).decode() for name, value in json.loads(found)["data"].items()}
        if missing := [name for name in PASSWORDS[service] if name not in there]:
            sys.exit(f"The Secret {service} lacks {', '.join(missing)}: add them, and their users to {service}.")
        return there
    made = {name: secrets.token_urlsafe(24) for name in PASSWORDS[service]}
    described = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": service}, "stringData": made}
    kubectl("create", "--filename", "-", said=json.dumps(described))
    return made


def kubectl(*arguments: str, said: str = "") -> str:
    """What kubectl prints; a failure has told its reason on standard error."""
    command = ["kubectl", "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, input=said, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def of_steps(passwords: dict[str, dict[str, str]], github_token: str) -> dict[str, dict[str, str]]:
    """What stands at each step's path in Vault; a step that does not work with a service has nothing of it."""

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
    asking = {name: os.environ[name.upper()] for name in RELEASE if name.upper() in os.environ}
    return {
        "fetch": {**mongo("fetch"), "github_token": github_token},
        "preprocess": {**mongo("preprocess"), **store},
        "train": {**store, **tracking},
        "register": {**store, **tracking, **asking},
        "serve": {**mongo("serve"), "github_token": github_token},
        "checks": mongo("checks"),
    }


def main() -> None:
    """Write them as YAML."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not (github_token := os.environ.get("GITHUB_TOKEN")):
        sys.exit("GITHUB_TOKEN is not set: fetch needs a token that may read the repositories.")
    yaml.safe_dump(of_steps({service: kept(service) for service in PASSWORDS}, github_token), sys.stdout)


if __name__ == "__main__":
    main()

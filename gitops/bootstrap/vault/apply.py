"""Apply `policies/` and `roles/` to a Vault and print every change.

VAULT_ADDR is the Vault's URL, and VAULT_TOKEN needs permission to change it. Policies and roles that begin with
`pr-sentinel-` and no longer have a file here are removed. Applying twice changes nothing the second time.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import hvac
import hvac.exceptions
import requests
import yaml

HERE = Path(__file__).parent
OURS = "pr-sentinel-"
AUTH, MOUNT = "kubernetes", "secret"
TIMEOUT_SECONDS = 10


def methods(vault: hvac.Client, kubernetes: str) -> Iterator[str]:
    """Enable the Kubernetes login and the key-value store at their usual paths."""
    if f"{AUTH}/" not in vault.sys.list_auth_methods()["data"]:
        vault.sys.enable_auth_method(AUTH)
        yield f"auth/{AUTH}: enabled"
    where = {"kubernetes_host": kubernetes}
    if not _holds(vault.read(f"auth/{AUTH}/config"), where):
        vault.write_data(f"auth/{AUTH}/config", data=where)
        yield f"auth/{AUTH}: asks {kubernetes} whose a token is"
    if f"{MOUNT}/" not in vault.sys.list_mounted_secrets_engines()["data"]:
        vault.sys.enable_secrets_engine("kv", MOUNT, options={"version": "2"})
        yield f"{MOUNT}/: enabled"


def policies(vault: hvac.Client) -> Iterator[str]:
    """Write the policies of all roles."""
    wanted = {file.stem: file.read_text() for file in sorted(HERE.glob("policies/*.hcl"))}
    there = {name for name in vault.sys.list_policies()["data"]["policies"] if name.startswith(OURS)}
    for name, rules in wanted.items():
        if name not in there or vault.sys.read_policy(name)["data"]["rules"] != rules:
            vault.sys.create_or_update_policy(name, rules)
            yield f"policy {name}: written"
    for name in sorted(there - set(wanted)):
        vault.sys.delete_policy(name)
        yield f"policy {name}: removed"


def roles(vault: hvac.Client) -> Iterator[str]:
    """Write the roles that service accounts can log in with."""
    place = f"auth/{AUTH}/role"
    wanted = {file.stem: json.loads(file.read_text()) for file in sorted(HERE.glob("roles/*.json"))}
    listed = vault.list(place) or {"data": {"keys": []}}
    there = {name for name in listed["data"]["keys"] if name.startswith(OURS)}
    for name, role in wanted.items():
        if not _holds(vault.read(f"{place}/{name}"), role):
            vault.write_data(f"{place}/{name}", data=role)
            yield f"role {name}: written"
    for name in sorted(there - set(wanted)):
        vault.delete(f"{place}/{name}")
        yield f"role {name}: removed"


def secrets(vault: hvac.Client, wanted: dict[str, dict[str, str]]) -> Iterator[str]:
    """Write the secrets of each step; only their names are printed."""
    store = vault.secrets.kv.v2
    for step, values in wanted.items():
        path = f"pr-sentinel/{step}"
        try:
            stored = store.read_secret_version(path, mount_point=MOUNT, raise_on_deleted_version=True)["data"]["data"]
        except hvac.exceptions.InvalidPath:
            stored = None
        if stored != values:
            store.create_or_update_secret(path, values, mount_point=MOUNT)
            yield f"secret {MOUNT}/{path}: written ({', '.join(values)})"


def _holds(answer: Any, wanted: dict[str, Any]) -> bool:
    """Return whether Vault's answer has all wanted values."""
    return answer is not None and all(answer["data"].get(key) == value for key, value in wanted.items())


def main() -> None:
    """Apply everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--kubernetes",
        default="https://kubernetes.default.svc",
        help="URL of the API server for token reviews (default: %(default)s)",
    )
    parser.add_argument(
        "--secrets", type=argparse.FileType(), help="YAML file with the values of each step; - for standard input"
    )
    given = parser.parse_args()
    wanted = yaml.safe_load(given.secrets) if given.secrets else {}
    if missing := [name for name in ("VAULT_ADDR", "VAULT_TOKEN") if not os.environ.get(name)]:
        sys.exit(f"{' and '.join(missing)} must be set.")
    vault = hvac.Client(timeout=TIMEOUT_SECONDS)
    changed = 0
    try:
        for change in chain(methods(vault, given.kubernetes), policies(vault), roles(vault), secrets(vault, wanted)):
            changed += sys.stdout.write(f"{change}\n")
    except (hvac.exceptions.VaultError, requests.RequestException) as error:
        sys.exit(f"Vault at {os.environ['VAULT_ADDR']} can't be changed: {' '.join(str(error).split())}")
    if not changed:
        sys.stdout.write("Nothing to change.\n")


if __name__ == "__main__":
    main()

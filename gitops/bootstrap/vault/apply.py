"""Bring a Vault to what `policies/` and `roles/` say, and tell what was changed.

VAULT_ADDR names the Vault, VAULT_TOKEN may change it. Policies and roles whose names begin with `pr-sentinel-` and that
have no file here any more are removed. Applied twice, it changes nothing the second time.
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
    """The login by Kubernetes and the key-value store, at their usual places."""
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
    """What each role may read."""
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
    """Which service account may log in as what."""
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
    """What each step needs to know; only names are told."""
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
    """Whether what Vault has is as wanted, as far as a wish is stated."""
    return answer is not None and all(answer["data"].get(key) == value for key, value in wanted.items())


def main() -> None:
    """Apply everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubernetes", default="https://kubernetes.default.svc", help="where Vault asks (%(default)s)")
    parser.add_argument(
        "--secrets", type=argparse.FileType(), help="YAML, the values of each step by its name; - is standard input"
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

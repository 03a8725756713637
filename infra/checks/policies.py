"""Rules of our own: what a file must show by a literal value, so that whatever is not shown is refused."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from infra.checks import hcl
from infra.checks.hcl import Block, nested, unquote

EVERYBODY = re.compile(r"\ballUsers\b|\ballAuthenticatedUsers\b|\bpublic-read|authenticated-read")
WILDCARD = re.compile(r"""^"?\*"?$|["']\*["']|^"?[a-z0-9-]+:[A-Za-z]*\*"?$|"[a-z0-9-]+:[A-Za-z]*\*\"""")
BROAD_ROLE = re.compile(r"^roles/(owner|editor|viewer|.*[aA]dmin)$")
KEY_TYPES = frozenset({"aws_iam_access_key", "aws_iam_user", "google_service_account_key"})
KEY_NAMES = re.compile(
    r"^(AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|S3_ACCESS_KEY_ID|S3_SECRET_ACCESS_KEY|SPACES_\w+"
    r"|DIGITALOCEAN_\w*TOKEN|GOOGLE_APPLICATION_CREDENTIALS|GOOGLE_CREDENTIALS)$"
)
SECRET_NAME = re.compile(r"TOKEN|PASSWORD|SECRET|KEY", re.IGNORECASE)
PUBLIC = {"name of a secret": frozenset({"PULL_SECRET"})}
API_SERVERS = {
    "digitalocean_kubernetes_cluster": ("control_plane_firewall", "enabled", True),
    "google_container_cluster": ("private_cluster_config", "enable_private_endpoint", True),
    "aws_eks_cluster": ("vpc_config", "endpoint_public_access", False),
}
"""What closes an API server, by type: a nested block, its argument, and the value that it needs."""
FLAG, NO_FLAG = "${var.destroy_data}", "${!var.destroy_data}"


def check(blocks: list[Block]) -> Iterator[str]:
    """Yield what breaks a rule in the modules and roots."""
    for rule in (_public_buckets, _versions, _rights, _static_keys, _endpoints, _data):
        yield from rule(blocks)


def check_manifests(folder: Path) -> Iterator[str]:
    """Yield the static keys of a cloud in manifests: variables of containers, and values of ConfigMaps."""
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            for name in _find_variables(document):
                if KEY_NAMES.match(name):
                    yield f"{path.relative_to(folder)}: static-key: pods get {name}; it belongs in Vault"


def _public_buckets(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        for text in hcl.strings(block.body):
            if EVERYBODY.search(text):
                yield f"{block}: public-bucket: {unquote(text)} is everybody"
    for block in _resources(blocks, "digitalocean_spaces_bucket"):
        if unquote(block.body.get("acl")) != "private":
            yield f"{block}: public-bucket: acl is not literally private"
    for block in _resources(blocks, "google_storage_bucket"):
        body = block.body
        if (
            unquote(body.get("public_access_prevention")) != "enforced"
            or body.get("uniform_bucket_level_access") is not True
        ):
            yield f"{block}: public-bucket: public access is not prevented"
    blocked = {block.path for block in _resources(blocks, "aws_s3_bucket_public_access_block") if _blocks_all(block)}
    for block in _resources(blocks, "aws_s3_bucket"):
        if block.path not in blocked:
            yield f"{block}: public-bucket: not all public access is blocked beside it"


def _blocks_all(block: Block) -> bool:
    flags = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    return all(block.body.get(flag) is True for flag in flags)


def _versions(blocks: list[Block]) -> Iterator[str]:
    for kind in ("digitalocean_spaces_bucket", "google_storage_bucket"):
        for block in _resources(blocks, kind):
            if [each.get("enabled") for each in nested(block.body, "versioning")] != [True]:
                yield f"{block}: unversioned-bucket: versioning is not enabled"
            if not nested(block.body, "lifecycle_rule"):
                yield f"{block}: unversioned-bucket: no lifecycle rule, so old versions stay forever"

    for block in _resources(blocks, "aws_s3_bucket"):
        beside = [each for each in blocks if each.kind == "resource" and each.path == block.path]
        states = [
            unquote(inner.get("status"))
            for each in _resources(beside, "aws_s3_bucket_versioning")
            for inner in nested(each.body, "versioning_configuration")
        ]
        if states != ["Enabled"] or not _resources(beside, "aws_s3_bucket_lifecycle_configuration"):
            yield f"{block}: unversioned-bucket: versioning is not enabled, or no lifecycle ends old versions"
        if not _resources(beside, "aws_s3_bucket_server_side_encryption_configuration"):
            yield f"{block}: unencrypted-bucket: no key encrypts it"


def _rights(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        for text in hcl.strings({} if block.kind in {"provider", "terraform"} else block.body):
            if WILDCARD.search(text):
                yield f"{block}: wildcard-rights: {text}"
            if BROAD_ROLE.match(str(unquote(text))):
                yield f"{block}: wildcard-rights: {unquote(text)} is more than a step needs"
    for block in _resources(blocks, "digitalocean_spaces_key"):
        for grant in nested(block.body, "grant"):
            if "fullaccess" in str(grant.get("permission")) or not unquote(grant.get("bucket")):
                yield f"{block}: wildcard-rights: a key has one bucket, to read or to write"


def _static_keys(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        if block.kind == "resource" and block.type in KEY_TYPES:
            yield f"{block}: static-key: pods have an identity of their own; no key is made"
        if block.kind == "output" and block.labels == ("cluster_settings",):
            for name in block.body.get("value", {}):
                if SECRET_NAME.search(name) and name not in PUBLIC["name of a secret"]:
                    yield f"{block}: static-key: {name} would be in Git; secrets are in Vault"


def _endpoints(blocks: list[Block]) -> Iterator[str]:
    for kind, (name, argument, wanted) in API_SERVERS.items():
        for block in _resources(blocks, kind):
            if [each.get(argument) for each in nested(block.body, name)] != [wanted]:
                yield f"{block}: open-endpoint: {name}.{argument} is not {str(wanted).lower()}"
    for block in _resources(blocks, "digitalocean_database_cluster"):
        if not block.body.get("private_network_uuid"):
            yield f"{block}: open-endpoint: the database is in no private network"
        guarded = [each for each in _resources(blocks, "digitalocean_database_firewall") if each.path == block.path]
        if not guarded:
            yield f"{block}: open-endpoint: the database has no firewall"
    for block in blocks:
        is_route = block.kind == "resource" and block.type == "aws_route"  # it leads out, and lets nothing in
        if block.kind != "variable" and not is_route and any("0.0.0.0/0" in text for text in hcl.strings(block.body)):
            yield f"{block}: open-endpoint: 0.0.0.0/0 is everybody"


def _data(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        body = block.body
        for argument in ("force_destroy", "force_delete"):
            if body.get(argument, FLAG) != FLAG:
                yield f"{block}: data-without-flag: {argument} is not var.destroy_data"
        if body.get("deletion_protection", NO_FLAG) != NO_FLAG:
            yield f"{block}: data-without-flag: deletion_protection is not !var.destroy_data"
        if block.kind == "variable" and block.labels == ("destroy_data",) and body.get("default", False) is not False:
            yield f"{block}: data-without-flag: destroy_data is not false by default"
    yield from _guards(blocks)


def _guards(blocks: list[Block]) -> Iterator[str]:
    """A root, which has a backend, has a guard that depends on all its modules and resources."""
    roots = {block.path.parent for block in blocks if block.kind == "terraform" and "backend" in block.body}
    for root in sorted(roots):
        own = [block for block in blocks if block.path.parent == root]
        modules = {block.labels[0] for block in own if block.kind == "module"}
        wanted = {f"module.{name}" for name in modules - {"guard"}}
        wanted |= {".".join(block.labels) for block in own if block.kind == "resource"}
        guards = [block for block in own if block.kind == "module" and "modules/guard" in str(block.body.get("source"))]
        after = {text[2:-1] for block in guards for text in hcl.strings(block.body.get("depends_on"))}
        if missing := sorted(wanted - after):
            yield f"{root}: data-without-flag: no guard depends on {', '.join(missing)}"


def _resources(blocks: list[Block], kind: str) -> list[Block]:
    return [block for block in blocks if block.kind == "resource" and block.type == kind]


def _find_variables(value: Any) -> Iterator[str]:
    """Yield the names of variables in containers, and of values in ConfigMaps."""
    if isinstance(value, dict):
        if value.get("kind") == "ConfigMap":
            yield from value.get("data") or {}
        for each in value.get("env") or ():
            if isinstance(each, dict):
                yield str(each.get("name"))
        for inner in value.values():
            yield from _find_variables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_variables(inner)

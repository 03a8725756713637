"""What `make infra-check` finds: nothing in the repository, and each defect that is put into a copy of it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.checks import hcl, names, policies, run
from tests.support.defects import copy_infra, keep_root, needs_program, plant

DEFECTS = {
    "a public bucket": (
        "modules/digitalocean/bucket/main.tf",
        'acl           = "private"',
        'acl           = "public-read"',
        "public-bucket",
    ),
    "a bucket whose acl is hidden in a variable": (
        "modules/digitalocean/bucket/main.tf",
        'acl           = "private"',
        "acl           = var.name",
        "public-bucket",
    ),
    "a bucket without versions": (
        "modules/digitalocean/bucket/main.tf",
        "versioning {\n    enabled = true",
        "versioning {\n    enabled = false",
        "unversioned-bucket",
    ),
    "rights on everything": (
        "modules/digitalocean/identity/main.tf",
        'each.value ? "readwrite" : "read"',
        'each.value ? "fullaccess" : "read"',
        "wildcard-rights",
    ),
    "a static key in the overlay": (
        "digitalocean/outputs.tf",
        "VAULT_ADDR      = var.vault_address",
        "VAULT_TOKEN     = var.vault_address",
        "static-key",
    ),
    "an API server for everybody": (
        "modules/digitalocean/cluster/main.tf",
        "enabled           = true\n    allowed_addresses",
        "enabled           = false\n    allowed_addresses",
        "open-endpoint",
    ),
    "data that is destroyed without the flag": (
        "modules/digitalocean/bucket/main.tf",
        "force_destroy = var.destroy_data",
        "force_destroy = true",
        "data-without-flag",
    ),
    "a misspelt argument": (
        "modules/digitalocean/cluster/main.tf",
        "surge_upgrade        = true",
        "surge_upgrades       = true",
        "there is no surge_upgrades",
    ),
    "a missing argument": (
        "modules/digitalocean/cluster/main.tf",
        "  size       = var.spark.size\n",
        "",
        "size is required",
    ),
    "an attribute that no resource has": (
        "modules/digitalocean/cluster/outputs.tf",
        "digitalocean_kubernetes_cluster.this.endpoint",
        "digitalocean_kubernetes_cluster.this.endpoints",
        "has no attribute endpoints",
    ),
    "a bucket on AWS that may become public": (
        "modules/aws/bucket/main.tf",
        "block_public_policy     = true",
        "block_public_policy     = false",
        "public-bucket",
    ),
    "a bucket on AWS without encryption": (
        "modules/aws/bucket/main.tf",
        'resource "aws_s3_bucket_server_side_encryption_configuration" "this"',
        'resource "aws_kms_alias" "this"',
        "unencrypted-bucket",
    ),
    "a bucket on AWS whose versions are suspended": (
        "modules/aws/bucket/main.tf",
        'status = "Enabled"',
        'status = "Suspended"',
        "unversioned-bucket",
    ),
    "a policy with every action of a service": (
        "modules/aws/policies/main.tf",
        '["s3:GetObject"]',
        '["s3:*"]',
        "wildcard-rights",
    ),
    "a policy for every resource": (
        "modules/aws/policies/main.tf",
        "Resource = [var.key_arn]",
        'Resource = ["*"]',
        "wildcard-rights",
    ),
    "a key instead of a role": (
        "modules/aws/identity/main.tf",
        'resource "aws_iam_role_policy" "this"',
        'resource "aws_iam_access_key" "this"',
        "static-key",
    ),
    "a public API server on AWS": (
        "modules/aws/cluster/main.tf",
        "endpoint_public_access  = false",
        "endpoint_public_access  = true",
        "open-endpoint",
    ),
    "a bucket on Google Cloud that may become public": (
        "modules/gcp/bucket/main.tf",
        '"enforced"',
        '"inherited"',
        "public-bucket",
    ),
    "a right for everybody": (
        "modules/gcp/identity/main.tf",
        'member   = "serviceAccount:${google_service_account.this[each.key].email}"',
        'member   = "allUsers"',
        "public-bucket",
    ),
    "a role that is more than a step needs": (
        "modules/gcp/identity/main.tf",
        '"roles/storage.legacyBucketReader"',
        '"roles/storage.objectAdmin"',
        "wildcard-rights",
    ),
    "a public API server on Google Cloud": (
        "modules/gcp/cluster/main.tf",
        "enable_private_endpoint = true",
        "enable_private_endpoint = false",
        "open-endpoint",
    ),
    "a module that the guard forgets": (
        "digitalocean/main.tf",
        "module.cluster, module.registry, module.bucket",
        "module.cluster, module.registry",
        "no guard depends on module.bucket",
    ),
    "another version of the provider": (
        "modules/digitalocean/bucket/main.tf",
        "~> 2.71",
        "~> 2.30",
        "the names are those of",
    ),
}


FOR_THE_COMMAND = (
    (
        "a public bucket",
        "rights on everything",
        "a static key in the overlay",
        "an API server for everybody",
        "data that is destroyed without the flag",
        "a module that the guard forgets",
    ),
    ("a misspelt argument",),
    ("a bucket on AWS without encryption",),
)
"""One of each rule; together are those that a root's own tests don't notice, for these take time."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copy_infra(tmp_path)


def find(infra: Path) -> list[str]:
    return list(run.find_problems(hcl.read(infra)))


def test_nothing_is_wrong_in_the_repository() -> None:
    assert find(run.INFRA) == []


@pytest.mark.parametrize(("path", "old", "new", "words"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_named_with_its_file(copy: Path, path: str, old: str, new: str, words: str) -> None:
    """One change each; the check names the rule and the file."""
    plant(copy, path, old, new)
    problems = find(copy)
    assert any(words in problem and path.removesuffix("/main.tf") in problem for problem in problems), problems


@pytest.mark.parametrize("planted", FOR_THE_COMMAND, ids=lambda planted: planted[0])
def test_the_command_fails_and_names_the_defects(copy: Path, planted: tuple[str, ...]) -> None:
    """What `make infra-check` runs, with all programs that are there."""
    (cloud,) = {plant(copy, *DEFECTS[name][:3]) for name in planted}
    keep_root(copy, cloud)
    shutil.copytree(run.GITOPS, copy.parent / "gitops")
    command = [sys.executable, "-m", "infra", "check"]
    done = subprocess.run(command, cwd=copy.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    for path, _, _, words in (DEFECTS[name] for name in planted):
        assert any(words in line and path.removesuffix("/main.tf") in line for line in done.stdout.splitlines()), words


def test_an_empty_folder_does_not_pass(tmp_path: Path) -> None:
    """A moved folder would make the check pass by itself."""
    (tmp_path / "infra").mkdir()
    assert "nothing to check" in find(tmp_path / "infra")[0]


@pytest.mark.parametrize(
    "manifest",
    [
        "kind: ConfigMap\ndata: {S3_SECRET_ACCESS_KEY: x}\n",
        "kind: Pod\nspec: {containers: [{name: a, env: [{name: AWS_ACCESS_KEY_ID, value: x}]}]}\n",
        "kind: Rollout\nspec: {template: {initContainers: [{env: [{name: GOOGLE_APPLICATION_CREDENTIALS}]}]}}\n",
    ],
)
def test_a_pod_with_a_key_of_a_cloud_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "pod.yaml").write_text(manifest, "utf-8")
    assert ["static-key" in problem for problem in policies.check_manifests(tmp_path)] == [True]


@needs_program
def test_a_file_that_is_not_formatted_is_named(copy: Path) -> None:
    assert run.check_format(copy) == []
    (copy / "digitalocean" / "main.tf").write_text('locals {\n name   =   "x"\n}\n', "utf-8")
    assert [line.partition(":")[0] for line in run.check_format(copy)] == ["digitalocean/main.tf"]


def test_the_names_are_those_of_every_type_in_use() -> None:
    types, versions = names.load()
    assert run.list_types() <= set(types)
    assert all(versions.values())


def test_blocks_are_read_with_their_labels() -> None:
    read = {(block.kind, *block.labels) for block in hcl.read(run.INFRA)}
    assert ("resource", "digitalocean_kubernetes_node_pool", "spark") in read
    assert ("data", "digitalocean_kubernetes_versions", "this") in read
    assert ("variable", "destroy_data") in read

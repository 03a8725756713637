"""The component that lets pods run only signed images, as Kyverno decides it.

A keyless signature needs Sigstore's public instance; so here a key signs, and the policy names it instead of the
workflow. Which workflow the committed policy names is compared with what a promotion asks for.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from release.provenance import BRANCH, ISSUER, WORKFLOW
from tests.support.command_line import ROOT
from tests.support.image_registry import OciImages, serve_folder

POLICY = ROOT / "gitops" / "components" / "signed-images" / "policy.yaml"
ROOT_REPOSITORY = ROOT / "gitops" / "clusters" / "root" / "repository.yaml"
EXECUTOR = "quay.io/argoproj/argoexec:v3.7.15"
needs_kyverno = pytest.mark.skipif(not shutil.which("kyverno"), reason="kyverno is not on the PATH")


@pytest.fixture
def images(tmp_path: Path) -> Iterator[OciImages]:
    """A registry of images, which may be signed."""
    with serve_folder(tmp_path / "registry") as host:
        yield OciImages(tmp_path / "registry", host)


def policy() -> dict[str, Any]:
    """The policy as it is committed."""
    return dict(yaml.safe_load(POLICY.read_text()))


def admits(folder: Path, key: ec.EllipticCurvePrivateKey, **containers: str) -> bool:
    """Whether Kyverno admits a pod with these images by the policy, with a key in place of the workflow."""
    given, public = policy(), serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()
    (attestor,) = given["spec"]["attestors"]
    attestor["cosign"] = {"key": {"data": pem}, "ctlog": {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}}
    spec = {kind: [{"name": "one", "image": image}] for kind, image in containers.items()}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": "pr-sentinel"}, "spec": spec}
    (folder / "policy.yaml").write_text(yaml.safe_dump(given))
    (folder / "pod.yaml").write_text(yaml.safe_dump(pod))
    command = ["kyverno", "apply", "policy.yaml", "--resource", "pod.yaml", "--registry", "--policy-report"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    (result,) = yaml.safe_load(done.stdout)["results"]
    assert result["result"] in {"pass", "fail"}, done.stdout
    return bool(result["result"] == "pass")


def test_the_policy_names_the_workflow_that_a_promotion_asks_for() -> None:
    """The same issuer, workflow and branch, of the repository that Argo CD follows."""
    repository = yaml.safe_load(ROOT_REPOSITORY.read_text())["data"]["url"].removesuffix(".git")
    (attestor,) = policy()["spec"]["attestors"]
    assert attestor["cosign"]["keyless"]["identities"] == [
        {"issuer": ISSUER, "subject": f"{repository}/{WORKFLOW}@{BRANCH}"}
    ]


@needs_kyverno
def test_pods_run_only_what_is_signed(images: OciImages, tmp_path: Path) -> None:
    """In every kind of container, and by digest; Argo's executor is not an image of ours."""
    ours, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    signed, unsigned, foreign = (images.publish(f"pr-sentinel/{name}") for name in ("fetch", "train", "serve"))
    images.sign(signed, ours)
    images.sign(foreign, other)
    assert admits(tmp_path, ours, containers=signed)
    assert admits(tmp_path, ours, containers=EXECUTOR)
    assert admits(tmp_path, ours, containers=signed, initContainers=EXECUTOR)
    assert not admits(tmp_path, ours, containers=unsigned)
    assert not admits(tmp_path, ours, containers=foreign)
    assert not admits(tmp_path, ours, containers=signed, initContainers=unsigned)
    assert not admits(tmp_path, ours, containers=signed.partition("@")[0] + ":latest")
    assert not admits(tmp_path, ours, containers=f"{signed.partition('/')[0]}/{EXECUTOR}")
    assert not admits(tmp_path, ours, containers=EXECUTOR.replace("argoexec", "argoexec-other"))

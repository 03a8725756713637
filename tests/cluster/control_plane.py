"""A control plane without nodes: what a cluster would take and refuse, in some seconds and without a cluster."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from local.services.server import server
from tests.support.workers import LOOPBACK, free_port

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "openssl")
TOKEN = "administrator"  # noqa: S105  a control plane of a test, on the loopback address


def is_missing() -> bool:
    """Whether one of its programs is not on the PATH."""
    return not all(map(shutil.which, PROGRAMS))


@contextmanager
def run(folder: Path) -> Iterator[Path]:
    """Start it, with its files in a folder; the file that kubectl needs to reach it as an administrator."""
    etcd, peer = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    port = free_port()
    key, tokens, settings = (folder / name for name in ("accounts.key", "tokens.csv", "kubeconfig"))
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    tokens.write_text(f"{TOKEN},administrator,1,system:masters\n")
    settings.write_text(yaml.safe_dump(_describe(f"https://{LOOPBACK}:{port}")))
    stores = ["--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", peer]
    stores += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}", "--unsafe-no-fsync"]
    serves = ["--etcd-servers", etcd, "--bind-address", LOOPBACK, "--secure-port", str(port)]
    serves += [
        "--cert-dir",
        str(folder / "certificates"),
        "--token-auth-file",
        str(tokens),
        "--authorization-mode=RBAC",
    ]
    serves += ["--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", str(key)]
    serves += ["--service-account-signing-key-file", str(key), "--service-cluster-ip-range=10.96.0.0/16"]
    serves += ["--allow-privileged"]  # so that the namespace refuses it
    manages = ["--kubeconfig", str(settings), "--leader-elect=false", "--secure-port=0"]
    manages += ["--service-account-private-key-file", str(key)]

    def is_ready() -> bool:
        look = ["kubectl", f"--kubeconfig={settings}", "get", "--raw=/readyz"]
        return subprocess.run(look, capture_output=True, check=False).returncode == 0

    def has_accounts() -> bool:
        look = ["kubectl", f"--kubeconfig={settings}", "get", "serviceaccount", "default"]
        return subprocess.run(look, capture_output=True, check=False).returncode == 0

    with ExitStack() as started:
        for command, is_up in (
            (["etcd", "--data-dir", str(folder / "etcd"), "--max-request-bytes=8388608", *stores], lambda: True),
            (["kube-apiserver", *serves], is_ready),
            (["kube-controller-manager", *manages], has_accounts),
        ):
            path = str(shutil.which(command[0]))
            started.enter_context(server(command[0], [path, *command[1:]], folder, is_up))
        yield settings


def _describe(address: str) -> dict[str, object]:
    """Its address and who asks, as kubectl reads them; the certificate is one that it has made for itself."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": address, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }

"""Which addresses of Vault a step accepts, and what the clusters' settings have until a fork has written its own."""

import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from release import rendering
from steps.common import secrets
from steps.common.errors import ConfigurationError, SentinelError
from steps.common.secrets import check_address, read_vault
from tests.support import kubectl
from tests.support.http_server import serve
from tests.support.manifests import ROOT

TRIAL = ROOT / "gitops" / "components" / "trial"
CLUSTERS = ROOT / "gitops" / "clusters"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set up a pod whose settings say nothing of how Vault is reached."""
    for name in ("VAULT_PLAIN_HTTP", "VAULT_CACERT_BYTES"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "token").write_text("hunter2")
    monkeypatch.setattr(secrets, "POD_TOKEN", tmp_path / "token")
    monkeypatch.setattr(secrets, "RETRIES", 0)
    monkeypatch.setenv("VAULT_ROLE", "pr-sentinel-train")
    monkeypatch.setenv("VAULT_SECRET_PATH", "secret/pr-sentinel/train")


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_settings_of_a_cluster_name_no_vault_until_a_fork_writes_its_own(environment: str) -> None:
    """The trial's would work there by accident, without TLS; a step says what to do before it asks anybody."""
    data = yaml.safe_load((CLUSTERS / environment / "settings.yaml").read_text("utf-8"))["data"]
    assert "VAULT_PLAIN_HTTP" not in data
    with pytest.raises(ConfigurationError, match="is a placeholder") as caught:
        read_vault(data["VAULT_ADDR"])
    assert "settings.yaml" in caught.value.advice


@pytest.mark.parametrize(
    "address",
    [
        "https://vault.invalid",
        "https://VAULT.Invalid.:8200",
        "http://vault.example:8200",
        "https://vault.example.com:8200",
        "https://example.org",
    ],
)
def test_a_name_that_nobody_can_own_is_a_placeholder(address: str) -> None:
    """Those of documents and of the committed settings, with any port and in any case."""
    with pytest.raises(ConfigurationError, match="is a placeholder"):
        check_address(address)


@pytest.mark.parametrize("host", ["vault.pr-sentinel-backing.svc:8200", "10.110.0.5:8200", "vault", "127.0.0.1.nip.io"])
def test_plain_http_is_refused_unless_it_is_allowed(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Before the pod's token is sent; any other word than `allowed` allows nothing."""
    for scheme in ("http", "HTTP"):
        for word in ("", "no", "true"):
            monkeypatch.setenv("VAULT_PLAIN_HTTP", word)
            with pytest.raises(ConfigurationError, match="not encrypted") as caught:
                check_address(f"{scheme}://{host}")
            assert "VAULT_PLAIN_HTTP" in caught.value.advice
    monkeypatch.setenv("VAULT_PLAIN_HTTP", "allowed")
    check_address(f"http://{host}")


@pytest.mark.parametrize(
    "address",
    [
        "https://vault.acme.io:8200",
        "https://10.0.0.1",
        "http://127.0.0.1:8200",
        "http://[::1]:8200",
        "http://localhost",
    ],
)
def test_https_and_this_machine_need_no_permission(address: str) -> None:
    check_address(address)


def test_an_address_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigurationError, match="not a valid URL"):
        check_address("https://[::1:8200")


@kubectl.needed
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_trial_brings_its_vault_and_the_permission(environment: str, tmp_path: Path) -> None:
    """As a component over a cluster's settings as they are committed."""
    shutil.copy(CLUSTERS / environment / "settings.yaml", tmp_path)
    shutil.copytree(TRIAL, tmp_path / "trial")
    overlay = {"resources": ["settings.yaml"], "components": ["trial"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    (trial,) = rendering.parse_documents(rendering.render(tmp_path))
    committed = yaml.safe_load((tmp_path / "settings.yaml").read_text("utf-8"))
    added = {"VAULT_ADDR": "http://vault.pr-sentinel-backing.svc:8200", "VAULT_PLAIN_HTTP": "allowed"}
    assert trial == committed | {"data": committed["data"] | added}


class Vault(BaseHTTPRequestHandler):
    """Accepts a login and answers with a secret; below /elsewhere it leads to another address."""

    elsewhere = ""

    def do_POST(self) -> None:
        """Log in."""
        if self.elsewhere:
            self.send_response(307)
            self.send_header("Location", self.elsewhere)
            self.end_headers()
            return
        self.answer(b'{"auth": {"client_token": "a-token"}}')

    def do_GET(self) -> None:
        """Read the secret."""
        self.answer(b'{"data": {"data": {"mongo_uri": "mongodb://here"}}}')

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """A Vault over HTTPS; its certificate is its own authority's, in the file `ca.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vault")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(days=1))
    place = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(place, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(signed)
    (tmp_path / "pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    handler = type("Handler", (Vault,), {})
    with serve(handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server


def test_a_private_authority_is_trusted_by_its_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vault: ThreadingHTTPServer
) -> None:
    """A setting of the cluster like any other: pods need no file of it. Without it the certificate is refused."""
    address = f"https://127.0.0.1:{vault.server_port}"
    with pytest.raises(ConfigurationError, match="is not trusted") as caught:
        read_vault(address)
    assert "VAULT_CACERT_BYTES" in caught.value.advice
    monkeypatch.setenv("VAULT_CACERT_BYTES", (tmp_path / "ca.pem").read_text())
    assert read_vault(address) == {"mongo_uri": "mongodb://here"}
    monkeypatch.setenv("VAULT_CACERT_BYTES", "no certificate")
    with pytest.raises(SentinelError, match="is not trusted"):
        read_vault(address)


def test_no_redirection_leads_from_https_to_plain_http(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vault: ThreadingHTTPServer
) -> None:
    """A login would be sent again, with the pod's token."""
    with serve(type("Handler", (Vault,), {})) as plain:
        vault.RequestHandlerClass.elsewhere = f"http://127.0.0.1:{plain.server_port}/v1/auth"  # type: ignore[attr-defined]
        monkeypatch.setenv("VAULT_CACERT_BYTES", (tmp_path / "ca.pem").read_text())
        with pytest.raises(ConfigurationError, match="leads to an address without HTTPS"):
            read_vault(f"https://127.0.0.1:{vault.server_port}")

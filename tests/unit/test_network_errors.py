"""What a request that never got a response means, with real sockets, certificates and proxies."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from steps.common import proxies
from steps.common.errors import ConfigurationError
from steps.common.network_errors import CA_VARIABLES, PROXY_VARIABLES, Interruption, translate_network_error
from tests.support.http_server import serve

SECRET = "hunter2"  # noqa: S105 - not a real one


class Refusing(BaseHTTPRequestHandler):
    """A proxy that wants a user."""

    def do_CONNECT(self) -> None:
        """Refuse the tunnel."""
        self.send_error(407)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CA_VARIABLES, *PROXY_VARIABLES, "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A server that refuses what a proxy is asked for."""
    with serve(Refusing) as running:
        yield running


def make_certificate(folder: Path) -> ssl.SSLContext:
    """A context with a certificate that nobody has issued."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    signed = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "pem").write_bytes(private + signed.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    return context


def fail(url: str) -> ConfigurationError | Interruption:
    """What a failed request means."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - requests' errors are OSErrors
        requests.get(url, timeout=5)
    return translate_network_error(caught.value, f"GitHub at {url}", "GITHUB_API_URL")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_certificates_that_is_missing_or_no_certificate_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ThreadingHTTPServer, variable: str
) -> None:
    """With the variable that names it."""
    for content in (None, "not a certificate"):
        path = tmp_path / "corporation.pem"
        if content:
            path.write_text(content)
        monkeypatch.setenv(variable, str(path))
        found = fail(f"https://127.0.0.1:{server.server_port}")
        assert isinstance(found, ConfigurationError)
        assert str(path) in found.problem
        assert variable in found.problem


def test_a_certificate_that_is_not_trusted_is_a_wrong_setting(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    """The reason is OpenSSL's, the advice names the variable."""
    server.socket = make_certificate(tmp_path).wrap_socket(server.socket, server_side=True)
    found = fail(f"https://127.0.0.1:{server.server_port}")
    assert isinstance(found, ConfigurationError)
    assert "self-signed certificate" in found.problem
    assert "REQUESTS_CA_BUNDLE" in found.advice


def test_a_server_without_tls_is_a_wrong_setting(server: ThreadingHTTPServer) -> None:
    """The URL begins with https, the server speaks http."""
    found = fail(f"https://127.0.0.1:{server.server_port}")
    assert isinstance(found, ConfigurationError)
    assert "TLS" in found.problem


def test_a_proxy_that_wants_a_user_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, server: ThreadingHTTPServer
) -> None:
    """desktop/desktop#6488"""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@127.0.0.1:{server.server_port}")
    found = fail("https://github.example")
    assert isinstance(found, ConfigurationError)
    assert "407" in found.problem
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://127.0.0.1:1", "the proxy 127.0.0.1 (HTTPS_PROXY) can't be used"),
        ("127.0.0.1:1", "the proxy 127.0.0.1 (HTTPS_PROXY) can't be used"),
    ],
)
def test_a_proxy_that_is_away_is_a_passing_failure(monkeypatch: pytest.MonkeyPatch, proxy: str, words: str) -> None:
    """It is named, so that nobody looks for the fault at GitHub."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    found = fail("https://github.example")
    assert isinstance(found, Interruption)
    assert found.problem == words


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://user:{SECRET}@{SECRET}/{SECRET}#1@127.0.0.1:9",
        f"http://user:{SECRET}/{SECRET}@127.0.0.1:9",
        f"user:{SECRET}#{SECRET}@127.0.0.1:9",
        f"http://user:{SECRET}@127.0.0.1:port",
        f"http://user:{SECRET}@[::1:9",
        "http://",
    ],
)
def test_a_proxy_whose_url_is_none_is_named_without_any_of_it(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """Kong/insomnia#2512, minishift/minishift#2283: letters of a password are taken for the end of the host."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    found = fail("https://github.example")
    assert isinstance(found, ConfigurationError)
    assert found.problem == "HTTPS_PROXY is not a valid URL."
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("url", "words"), [("https://no-such-host.invalid", "resolved"), ("http://127.0.0.1:1", "refused")]
)
def test_a_passing_failure_says_what_happened(url: str, words: str) -> None:
    """A name that can't be resolved may be resolved once the VPN is up."""
    found = fail(url)
    assert isinstance(found, Interruption)
    assert words in found.problem


@pytest.mark.parametrize(
    ("given", "bypassed"),
    [
        # axios/axios#3355
        (None, ["http://127.0.0.1:5000", "http://localhost:3000"]),
        # localstack/localstack#244
        ("internal.example", ["http://mlflow.pr-sentinel.svc:5000", "http://x.svc.cluster.local", "http://vault:8200"]),
        # meteor/meteor#5417
        ("localhost", ["http://127.0.0.2:1"]),
    ],
)
def test_local_services_are_never_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, given: str | None, bypassed: list[str]
) -> None:
    """Whatever the user has excepted; all else is asked through it."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("VAULT_ADDR", "http://vault:8200")
    monkeypatch.setenv("no_proxy", given or "")
    monkeypatch.setenv("NO_PROXY", given or "")
    proxies.prepare_environment()
    assert not [url for url in bypassed if requests.utils.get_environ_proxies(url)]
    assert requests.utils.get_environ_proxies("http://github.example")
    assert given is None or not requests.utils.get_environ_proxies(f"http://{given}")


def test_a_file_named_to_openssl_is_named_to_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the user has named another one."""
    monkeypatch.setenv("SSL_CERT_FILE", "/company.pem")
    proxies.trust_named_certificates()
    assert requests.Session().merge_environment_settings("https://x", {}, None, None, None)["verify"] == "/company.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/own.pem")
    proxies.trust_named_certificates()
    assert requests.Session().merge_environment_settings("https://x", {}, None, None, None)["verify"] == "/own.pem"


def test_no_request_of_these_tests_leaves_this_machine() -> None:
    """Names under .invalid and .example are nobody's."""
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("no-such-host.invalid", 443)

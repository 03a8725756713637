"""The store in a bucket of an S3-compatible server."""

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests

from steps.common.errors import AccessRefused, ConfigurationError, NotFound, SentinelError, Unavailable
from steps.common.settings import StoreSettings, load
from steps.common.store import Store, open_store
from tests.support.http_server import serve


@pytest.fixture
def store(bucket: str) -> Store:
    return open_store(load(StoreSettings))


@pytest.fixture
def strict(s3_endpoint: str) -> Iterator[None]:
    """Make the server check access keys."""
    requests.post(f"{s3_endpoint}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    yield
    requests.post(f"{s3_endpoint}/moto-api/reset-auth", data="inf", timeout=10)


def test_a_missing_bucket_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is listed, read or written."""
    monkeypatch.setenv("STORE_URL", "s3://no-such-bucket")
    store = open_store(load(StoreSettings))
    for attempt in (lambda: store.list_keys("a"), lambda: store.read("a"), lambda: store.write("a", b"")):
        with pytest.raises(NotFound, match="bucket of s3://no-such-bucket does not exist"):
            attempt()


def test_a_wrong_access_key_is_refused_without_showing_it(store: Store, strict: None) -> None:
    """The error shows neither part of it."""
    with pytest.raises(AccessRefused, match="does not accept the access key") as refused:
        store.write("a/one", b"1")
    assert "an-id" not in str(refused.value)
    assert "a-secret" not in str(refused.value)


def test_an_unreachable_server_is_a_transient_error(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the setting."""
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="S3_ENDPOINT_URL"):
        open_store(load(StoreSettings)).list_keys("a")


class WithoutChecksums(BaseHTTPRequestHandler):
    """A service that knows none of the checksums that came with boto3 1.36, like many that are not Amazon's."""

    def do_PUT(self) -> None:
        """Store nothing, and refuse what has such a checksum."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        unknown = ("x-amz-checksum-", "x-amz-sdk-checksum-", "x-amz-trailer")
        self.send_response(400 if any(name.lower().startswith(unknown) for name in self.headers) else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_a_service_that_knows_no_checksums_takes_objects(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """boto/boto3#4401, canonical/vault-k8s-operator#825"""
    (tmp_path / "source").write_bytes(b"1")
    with serve(WithoutChecksums) as server:
        monkeypatch.setenv("S3_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        store = open_store(load(StoreSettings))
        store.write("a/one", b"1")
        store.upload("a/two", tmp_path / "source")


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        # boto/boto3#4121
        ({"AWS_PROFILE": "nowhere"}, ConfigurationError, "AWS_PROFILE"),
        ({"S3_ENDPOINT_URL": "localhost:9000"}, ConfigurationError, "S3_ENDPOINT_URL is not a valid URL"),
        ({"AWS_DEFAULT_REGION": "somewhere else"}, ConfigurationError, "AWS_DEFAULT_REGION"),
        ({"S3_SECRET_ACCESS_KEY": None}, ConfigurationError, "lacks a half"),
        ({"S3_ACCESS_KEY_ID": None, "S3_SECRET_ACCESS_KEY": None}, ConfigurationError, "There is no access key"),
    ],
)
def test_a_setting_that_is_wrong_is_named(
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    changes: dict[str, str | None],
    kind: type[SentinelError],
    words: str,
) -> None:
    """And not tried again as if the service were away."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in changes.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(kind, match=words) as refused:
        open_store(load(StoreSettings)).list_keys("a")
    assert "a-secret" not in str(refused.value)

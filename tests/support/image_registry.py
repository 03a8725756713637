"""An images' registry in a folder."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from release.provenance import REVISION
from tests.support.http_server import serve
from tests.support.releases import NAME
from tests.support.workers import LOOPBACK

SERVER = "https://github.com"


class Quiet(SimpleHTTPRequestHandler):
    """Static files, which is all that reading from a registry takes; a manifest gets a tag once and for all."""

    def do_PUT(self) -> None:
        """Store a manifest under a tag."""
        content, path = self.rfile.read(int(self.headers["Content-Length"])), Path(self.translate_path(self.path))
        if path.exists():
            self.send_error(HTTPStatus.BAD_REQUEST, "the tag is immutable")
            return
        path.write_bytes(content)
        self.send_response(HTTPStatus.CREATED)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def guess_type(self, path: Any) -> str:
        """Return the media type that a manifest gives itself."""
        if Path(path).parent.name == "manifests" and Path(path).is_file():
            return str(json.loads(Path(path).read_bytes()).get("mediaType", "application/json"))
        return super().guess_type(path)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the base class
        """Say nothing."""


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """The host of a registry whose API's answers are files in a folder, such as `v2/NAME/manifests/DIGEST`."""
    with serve(partial(Quiet, directory=str(folder))) as server:
        yield f"{LOOPBACK}:{server.server_port}"


class Images:
    """Images that were built from a commit, in such a registry, and the signatures that the fake cosign knows."""

    def __init__(self, folder: Path, host: str, signatures: Path) -> None:
        self.host = host
        self._folder = folder
        self._signatures = signatures
        signatures.write_text("{}")

    def publish(self, name: str, commit: str, number: int = 0) -> str:
        """Publish an image with its commit as a label, in an index as buildx makes it; its reference."""
        config = self._put(name, "blobs", {"config": {"Labels": {REVISION: commit}}, "number": number})
        manifest = self._put(name, "manifests", {"config": {"digest": config}})
        platforms = [
            {"digest": f"sha256:{0:064x}", "platform": {"os": "unknown"}},
            {"digest": manifest, "platform": {"os": "linux"}},
        ]
        return f"{self.host}/{name}@{self._put(name, 'manifests', {'manifests': platforms})}"

    def sign(self, reference: str, commit: str, **other: str) -> None:
        """Sign it as stage.yml does on staging, but for what is given otherwise."""
        own = {
            "certificate-oidc-issuer": "https://token.actions.githubusercontent.com",
            "certificate-identity": f"{SERVER}/{NAME}/.github/workflows/stage.yml@refs/heads/staging",
            "certificate-github-workflow-repository": NAME,
            "certificate-github-workflow-ref": "refs/heads/staging",
            "certificate-github-workflow-sha": commit,
        }
        known = json.loads(self._signatures.read_text())
        self._signatures.write_text(json.dumps(known | {reference: own | other}))

    def clean_up(self) -> None:
        """Delete what is not tagged, as a registry's clean-up does."""
        for folder in self._folder.glob("v2/**/manifests"):
            tagged = {path.read_bytes() for path in folder.iterdir() if not path.name.startswith("sha256:")}
            referenced = b"".join(tagged)
            for path in folder.glob("sha256:*"):
                if path.read_bytes() not in tagged and path.name.encode() not in referenced:
                    path.unlink()

    def file_of(self, reference: str) -> Path:
        """The file that a registry answers with."""
        place, _, digest = reference.partition("@")
        return self._folder / "v2" / place.partition("/")[2] / "manifests" / digest

    def _put(self, name: str, kind: str, document: dict[str, Any]) -> str:
        return _store(self._folder / "v2" / name / kind, json.dumps(document).encode())


def _store(folder: Path, content: bytes) -> str:
    """Store content under its digest, and return that."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / digest).write_bytes(content)
    return digest


OCI = "application/vnd.oci.image"


class OciImages:
    """Images that programs take for real, in such a registry, and signatures as cosign stores them with a key."""

    def __init__(self, folder: Path, host: str) -> None:
        self._host = host
        self._folder = folder

    def publish(self, name: str, tag: str = "latest") -> str:
        """Publish an image under a tag; its reference by digest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
        return f"{self._host}/{name}@{self._put_image(name, tag, config.encode(), [])}"

    def sign(self, reference: str, key: ec.EllipticCurvePrivateKey) -> None:
        """Sign the digest of an image."""
        place, _, digest = reference.partition("@")
        name = place.partition("/")[2]
        image = {"docker-manifest-digest": digest}
        critical = {"identity": {"docker-reference": place}, "image": image, "type": "cosign container image signature"}
        payload = json.dumps({"critical": critical, "optional": None}).encode()
        signature = base64.b64encode(key.sign(payload, ec.ECDSA(hashes.SHA256()))).decode()
        layer = self._put_blob(name, payload) | {
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "annotations": {"dev.cosignproject.cosign/signature": signature},
        }
        self._put_image(name, f"{digest.replace(':', '-')}.sig", b"{}", [layer])

    def _put_image(self, name: str, tag: str, config: bytes, layers: list[dict[str, Any]]) -> str:
        described = self._put_blob(name, config) | {"mediaType": f"{OCI}.config.v1+json"}
        manifest = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": described, "layers": layers}
        content = json.dumps(manifest).encode()
        folder = self._folder / "v2" / name / "manifests"
        digest = _store(folder, content)
        (folder / tag).write_bytes(content)
        return digest

    def _put_blob(self, name: str, content: bytes) -> dict[str, Any]:
        return {"digest": _store(self._folder / "v2" / name / "blobs", content), "size": len(content)}

"""Images in a container registry, through its HTTP API, without pulling them."""

import hashlib
import re
from functools import partial
from typing import Any

import requests

from release.settings import ImageSettings
from steps.common.errors import AccessRefused, DataError, NotFound, Unavailable

TIMEOUT_SECONDS = 30
ANCHOR = "release-"
"""Prefix of the tag that a released image gets; the rest is the hexadecimal part of its digest."""
MANIFEST_TYPES = ", ".join(
    f"application/vnd.{kind}"
    for kind in (
        "oci.image.index.v1+json",
        "oci.image.manifest.v1+json",
        "docker.distribution.manifest.list.v2+json",
        "docker.distribution.manifest.v2+json",
    )
)


def check_image(reference: str, settings: ImageSettings) -> None:
    """Check that an image (`host/name@sha256:…`) is in its registry.

    Raises:
        NotFound: the image is gone.
        AccessRefused: the registry denies access.
        Unavailable: the registry does not respond.
    """
    place, _, digest = reference.partition("@")
    _request("HEAD", place, f"manifests/{digest}", settings)


def anchor_image(reference: str, settings: ImageSettings) -> None:
    """Tag an image (`host/name@sha256:…`) with its own digest, because clean-ups of registries delete untagged images.

    Raises:
        NotFound: the image is gone.
        AccessRefused: the registry denies access.
        Unavailable: the registry does not respond.
        DataError: the registry returned another image for the digest or the tag.
    """
    place, _, digest = reference.partition("@")
    tag = f"{ANCHOR}{digest.partition(':')[2]}"
    try:
        # A registry with immutable tags refuses to set a tag twice, even to the same image.
        _fetch(place, "manifests", tag, digest, settings)
    except NotFound:
        found = _fetch(place, "manifests", digest, digest, settings)
        _request("PUT", place, f"manifests/{tag}", settings, found)


def read_labels(reference: str, settings: ImageSettings) -> dict[str, str]:
    """Read the labels of an image (`host/name@sha256:…`); of its first platform, if it has several.

    Raises:
        NotFound: the image is gone.
        AccessRefused: the registry denies access.
        Unavailable: the registry does not respond.
        DataError: what the registry returned is not what the digest is of.
    """
    place, _, digest = reference.partition("@")
    manifest = _read(place, "manifests", digest, settings)
    if "manifests" in manifest:
        # Attestations are listed as images of an unknown platform.
        images = [one for one in manifest["manifests"] if one.get("platform", {}).get("os") != "unknown"]
        if not images:
            raise DataError(f"{reference} holds no image.", advice="Build it again.")
        manifest = _read(place, "manifests", images[0]["digest"], settings)
    config = _read(place, "blobs", manifest["config"]["digest"], settings)
    return {str(name): str(value) for name, value in (config.get("config", {}).get("Labels") or {}).items()}


def _read(place: str, kind: str, digest: str, settings: ImageSettings) -> dict[str, Any]:
    """Read a JSON document by its digest."""
    return dict(_fetch(place, kind, digest, digest, settings).json())


def _fetch(place: str, kind: str, name: str, digest: str, settings: ImageSettings) -> requests.Response:
    """Fetch what a digest or a tag stands for, and check that it has this digest."""
    answer = _request("GET", place, f"{kind}/{name}", settings)
    if f"sha256:{hashlib.sha256(answer.content).hexdigest()}" != digest:
        raise DataError(f"{place} returned something else for {name}.", advice="Check the registry.")
    return answer


def _request(
    verb: str, place: str, path: str, settings: ImageSettings, manifest: requests.Response | None = None
) -> requests.Response:
    """Send a request, with a manifest that was fetched before if it is to be stored."""
    host, _, name = place.partition("/")
    address = f"{'http' if settings.registry_insecure else 'https'}://{host}/v2/{name}/{path}"
    headers, content = {"Accept": MANIFEST_TYPES}, None
    if manifest is not None:
        headers, content = {"Content-Type": manifest.headers["Content-Type"]}, manifest.content
    try:
        answer = _request_with_token(verb, address, settings, headers, content)
    except requests.RequestException as error:
        raise Unavailable(
            f"{host} does not respond ({type(error).__name__}).", advice="Run the command again."
        ) from None
    reference = f"{place}@{path.partition('/')[2]}"
    if answer.status_code == requests.codes.not_found:
        raise NotFound(
            f"{reference} is no longer in the registry.", advice="Choose another version, or rebuild the image."
        )
    if answer.status_code in {requests.codes.unauthorized, requests.codes.forbidden}:
        raise AccessRefused(f"{host} denied access to {name}.", advice="Check REGISTRY_USERNAME and REGISTRY_PASSWORD.")
    if not answer.ok:
        raise Unavailable(f"{host} returned {answer.status_code} for {reference}.", advice="Run the command again.")
    return answer


def _request_with_token(
    verb: str, address: str, settings: ImageSettings, headers: dict[str, str], content: bytes | None
) -> requests.Response:
    """Request something, after fetching a token from where the registry's challenge says."""
    password = settings.registry_password
    user = (settings.registry_username or "", password.get_secret_value()) if password else None
    send = partial(requests.request, verb, address, data=content, timeout=TIMEOUT_SECONDS, allow_redirects=True)
    answer = send(auth=user, headers=headers)
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status_code != requests.codes.unauthorized or not challenge.startswith("Bearer "):
        return answer
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = {key: fields[key] for key in ("service", "scope") if key in fields}
    response = requests.get(fields["realm"], params=query, auth=user, timeout=TIMEOUT_SECONDS)
    if not response.ok:
        return response
    token = response.json().get("token") or response.json().get("access_token")
    return send(headers={**headers, "Authorization": f"Bearer {token}"})

"""Image look-up in a container registry through its HTTP API, without pulling anything."""

import re

import requests

from release.settings import ImageSettings
from steps.common.errors import AccessRefused, NotFound, Unavailable

TIMEOUT_SECONDS = 30
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
    host, _, name = place.partition("/")
    address = f"{'http' if settings.registry_insecure else 'https'}://{host}/v2/{name}/manifests/{digest}"
    try:
        status = _request_status(address, settings)
    except requests.RequestException as error:
        raise Unavailable(
            f"{host} does not respond ({type(error).__name__}).", advice="Run the command again."
        ) from None
    if status == requests.codes.not_found:
        raise NotFound(
            f"{reference} is no longer in the registry.", advice="Choose another version, or rebuild the image."
        )
    if status in {requests.codes.unauthorized, requests.codes.forbidden}:
        raise AccessRefused(f"{host} denied access to {name}.", advice="Check REGISTRY_USERNAME and REGISTRY_PASSWORD.")
    if status != requests.codes.ok:
        raise Unavailable(f"{host} returned {status} for {reference}.", advice="Run the command again.")


def _request_status(address: str, settings: ImageSettings) -> int:
    """Request a manifest and return the status, after fetching a token from where the registry's challenge says."""
    password = settings.registry_password
    user = (settings.registry_username or "", password.get_secret_value()) if password else None
    headers = {"Accept": MANIFEST_TYPES}
    answer = requests.head(address, auth=user, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=True)
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status_code != requests.codes.unauthorized or not challenge.startswith("Bearer "):
        return answer.status_code
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = {key: fields[key] for key in ("service", "scope") if key in fields}
    response = requests.get(fields["realm"], params=query, auth=user, timeout=TIMEOUT_SECONDS)
    if not response.ok:
        return response.status_code
    token = response.json().get("token") or response.json().get("access_token")
    bearer = {**headers, "Authorization": f"Bearer {token}"}
    return requests.head(address, headers=bearer, timeout=TIMEOUT_SECONDS, allow_redirects=True).status_code

"""Whether an image is still in its registry, by the registry's own HTTP interface; nothing is pulled."""

import re

import requests

from release.settings import ImageSettings
from steps.common.errors import AccessRefused, NotFound, Unavailable

TIMEOUT_SECONDS = 30
KINDS = ", ".join(
    f"application/vnd.{kind}"
    for kind in (
        "oci.image.index.v1+json",
        "oci.image.manifest.v1+json",
        "docker.distribution.manifest.list.v2+json",
        "docker.distribution.manifest.v2+json",
    )
)


def check(reference: str, settings: ImageSettings) -> None:
    """Let pass an image (`host/name@sha256:…`) that is there.

    Raises:
        NotFound: it isn't.
        AccessRefused: the registry shows it to others only.
        Unavailable: the registry does not answer.
    """
    place, _, digest = reference.partition("@")
    host, _, name = place.partition("/")
    address = f"{'http' if settings.registry_insecure else 'https'}://{host}/v2/{name}/manifests/{digest}"
    try:
        status = _asked(address, settings)
    except requests.RequestException as error:
        raise Unavailable(f"{host} does not answer ({type(error).__name__}).", advice="Run it again.") from None
    if status == requests.codes.not_found:
        raise NotFound(f"{reference} is gone from the registry.", advice="Choose another version, or build it anew.")
    if status in {requests.codes.unauthorized, requests.codes.forbidden}:
        raise AccessRefused(
            f"{host} shows {name} to others only.", advice="Check REGISTRY_USERNAME, REGISTRY_PASSWORD."
        )
    if status != requests.codes.ok:
        raise Unavailable(f"{host} says {status} to {reference}.", advice="Run it again.")


def _asked(address: str, settings: ImageSettings) -> int:
    """The status; a registry that wants a token says where it is to be had."""
    password = settings.registry_password
    user = (settings.registry_username or "", password.get_secret_value()) if password else None
    headers = {"Accept": KINDS}
    answer = requests.head(address, auth=user, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=True)
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status_code != requests.codes.unauthorized or not challenge.startswith("Bearer "):
        return answer.status_code
    named = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = {key: named[key] for key in ("service", "scope") if key in named}
    given = requests.get(named["realm"], params=query, auth=user, timeout=TIMEOUT_SECONDS)
    if not given.ok:
        return given.status_code
    token = given.json().get("token") or given.json().get("access_token")
    bearer = {**headers, "Authorization": f"Bearer {token}"}
    return requests.head(address, headers=bearer, timeout=TIMEOUT_SECONDS, allow_redirects=True).status_code

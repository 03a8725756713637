"""The meaning of what boto3 raises: a setting that is wrong, a key that is refused, or a failure that may pass."""

import re
from collections.abc import Mapping
from typing import Any

from steps.common.errors import (
    AccessRefused,
    ConfigurationError,
    NotFound,
    SentinelError,
    StorageFull,
    Unavailable,
)

REFUSED_CODES = frozenset(
    {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound"}
)
"""S3 error codes for an invalid or unauthorised key; the last is versitygw's for an unknown one."""

_FULL_CODE = re.compile(r"Quota|StorageFull|InsufficientStorage|DiskFull|NoSpace|^507$")
"""S3-compatible stores have no common code for it."""

_KEY_ADVICE = "Set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or give the machine or the pod a role."
_LOGIN_ADVICE = f"Log in to AWS again. {_KEY_ADVICE}"
_REGION_ADVICE = "Correct AWS_DEFAULT_REGION or AWS_REGION."
_SETTINGS: Mapping[str, tuple[type[SentinelError], str, str]] = {
    "NoCredentialsError": (ConfigurationError, "There is no access key for the store {url}.", _KEY_ADVICE),
    "PartialCredentialsError": (ConfigurationError, "The access key of the store {url} lacks a half.", _KEY_ADVICE),
    "ProfileNotFound": (
        ConfigurationError,
        "The profile that AWS_PROFILE names is not in the configuration of AWS.",
        "Unset AWS_PROFILE, or configure the profile.",
    ),
    "ConfigParseError": (
        ConfigurationError,
        "The configuration of AWS can't be parsed.",
        "Correct ~/.aws, or the file that AWS_CONFIG_FILE names.",
    ),
    "InvalidRegionError": (ConfigurationError, "The region of AWS is not valid.", _REGION_ADVICE),
    "NoRegionError": (ConfigurationError, "No region of AWS is named.", _REGION_ADVICE),
    "ValueError": (
        ConfigurationError,
        "S3_ENDPOINT_URL is not a valid URL.",
        "Write it with http:// or https://, for example https://storage.example.com.",
    ),
    "CredentialRetrievalError": (AccessRefused, "AWS gives no credentials for the store {url}.", _LOGIN_ADVICE),
    "TokenRetrievalError": (AccessRefused, "AWS gives no credentials for the store {url}.", _LOGIN_ADVICE),
    "SSOError": (AccessRefused, "The login at AWS has expired.", _LOGIN_ADVICE),
    "SSLError": (
        ConfigurationError,
        "The certificate of the store {url} is not trusted.",
        "Set REQUESTS_CA_BUNDLE to a PEM file with the certificate of the authority that issued it.",
    ),
}
"""What errors without a response mean, by the names of their classes or of a class above: kind, problem and advice."""


def translate_s3_error(error: Exception, url: str, key: str = "") -> SentinelError:
    """Return what an error of boto3 means for the store at `url`; no key gets into the words.

    Args:
        error: a BotoCoreError or ClientError, or the ValueError of a client that can't be made.
        url: the store's URL.
        key: the object's key.
    """
    if (response := getattr(error, "response", None)) is not None:
        return _translate_response(url, key, response)
    for name in (each.__name__ for each in type(error).__mro__):
        if known := _SETTINGS.get(name):
            kind, problem, advice = known
            return kind(problem.format(url=url), advice=advice)
    return Unavailable(f"The store {url} does not answer: {error}", advice="Check S3_ENDPOINT_URL and the network.")


def build_not_found(url: str, key: str) -> NotFound:
    """Return the error of an object that is not there."""
    return NotFound(
        f"There is no {key} in the store {url}.", advice="Check the URL, and that the previous step has finished."
    )


def _translate_response(url: str, key: str, response: Any) -> SentinelError:
    code = str(response.get("Error", {}).get("Code", ""))
    if code == "NoSuchBucket":
        return NotFound(f"The bucket of {url} does not exist.", advice="Create it, or correct STORE_URL.")
    if code in {"NoSuchKey", "404", "NotFound"}:
        return build_not_found(url, key)
    if code in REFUSED_CODES:
        return AccessRefused(
            f"The store {url} does not accept the access key ({code}).",
            advice="Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and the key's rights on the bucket.",
        )
    if _FULL_CODE.search(code):
        return StorageFull(f"The store {url} is full ({code}).", advice="Free some space or raise the quota.")
    return Unavailable(
        f"The store {url} returns {code or 'an error'}.", advice="Try again; if it persists, check the store's health."
    )

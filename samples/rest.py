"""The part of GitHub's REST API that a plain loop over pull requests needs."""

import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlencode

from samples.files import File
from samples.graph import SITE
from samples.records import Pull, SampleRepository

ROUTE = re.compile(r"/repos/(?P<name>[^/]+/[^/]+?)(?P<list>/pulls(?:/(?P<number>\d+)(?P<files>/files)?)?)?")
STATUSES = {
    "A": "added",
    "M": "modified",
    "D": "removed",
    "R": "renamed",
    "C": "copied",
    "T": "changed",
}
Headers = dict[str, str]


def answer(
    repositories: dict[str, SampleRepository], now: str, path: str, query: str, base: str
) -> tuple[Any, Headers] | None:
    """Return the body and headers for a path, or None if there is nothing."""
    match = ROUTE.fullmatch(path)
    repository = repositories.get(match["name"]) if match else None
    if not match or not repository:
        return None
    api = f"{base}/repos/{repository.full_name}"
    if not match["list"]:
        return {"full_name": repository.full_name, "name": repository.full_name.partition("/")[2], "url": api}, {}
    if not match["number"]:
        return _page(repository, now, parse_qs(query), api)
    seen = repository.one(int(match["number"]), now)
    if seen is None:
        return None
    if match["files"]:
        size, page = _parse_page(parse_qs(query))
        return format_files(seen)[(page - 1) * size : page * size], {}
    return format_pull_request(seen, repository, base), {}


def _parse_page(query: dict[str, list[str]]) -> tuple[int, int]:
    """Return the size of a page and its number."""
    return int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])


def format_files(pull: Pull) -> list[dict[str, Any]]:
    """Return the first hundred changed files; there are no others."""
    return [
        {
            "filename": file.path,
            "status": STATUSES[file.status],
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": file.additions + file.deletions,
        }
        for file in (File(*fields) for fields in pull.files)
    ]


def _page(repository: SampleRepository, now: str, query: dict[str, list[str]], api: str) -> tuple[Any, Headers]:
    size, page = _parse_page(query)
    pulls = [entry.pull for entry in repository.at(now) if entry.pull]
    if query.get("direction") == ["desc"]:
        pulls.reverse()
    rows = pulls[(page - 1) * size : page * size]
    more = urlencode({**{key: values[0] for key, values in query.items()}, "page": page + 1})
    headers = {"Link": f'<{api}/pulls?{more}>; rel="next"'} if page * size < len(pulls) else {}
    return [_format_summary(pull, repository, api) for pull in rows], headers


def _format_summary(pull: Pull, repository: SampleRepository, api: str) -> dict[str, Any]:
    """Return the fields of a pull request in a list: everything except its sizes."""
    login = f"{pull.author}[bot]" if pull.bot else pull.author
    ours = repository.full_name
    theirs = f"{pull.author}/{ours.partition('/')[2]}" if pull.fork else ours
    return {
        "url": f"{api}/pulls/{pull.number}",
        "html_url": f"{SITE}/{repository.full_name}/pull/{pull.number}",
        "number": pull.number,
        "title": pull.title,
        "body": pull.body,
        "state": "closed" if pull.closed_at else "open",
        "draft": pull.draft,
        "locked": pull.lock_reason is not None,
        "active_lock_reason": pull.lock_reason,
        "user": {"login": login, "id": pull.account, "type": "Bot" if pull.bot else "User"} if login else None,
        "author_association": pull.association,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged_at,
        "labels": [{"name": name} for name in pull.labels],
        "assignees": [{"login": login, "type": "User"} for login in pull.assignees],
        "head": {
            "ref": pull.head,
            "label": f"{theirs.partition('/')[0]}:{pull.head}",
            "sha": head_sha(pull, ours),
            "repo": {"full_name": theirs} if pull.author or not pull.fork else None,
        },
        "base": {"ref": pull.base, "repo": {"full_name": repository.full_name}},
    }


def format_pull_request(pull: Pull, repository: SampleRepository, base: str) -> dict[str, Any]:
    """Return all fields of a pull request."""
    return {**_format_summary(pull, repository, f"{base}/repos/{repository.full_name}"), **_sizes(pull)}


def head_sha(pull: Pull, full_name: str) -> str:
    """Return the head commit; it depends on the sizes, which a push changes."""
    content = f"{full_name}#{pull.number} {sorted(_sizes(pull).items())}"
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def _sizes(pull: Pull) -> dict[str, Any]:
    return {
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changed_files": pull.changed_files,
        "commits": pull.commits,
    }

"""The little of GitHub's REST interface that a plain loop over pull requests needs."""

import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlencode

from samples.files import File
from samples.graph import SITE
from samples.records import Pull, Repository

ROUTE = re.compile(r"/repos/(?P<name>[^/]+/[^/]+?)(?P<list>/pulls(?:/(?P<number>\d+)(?P<files>/files)?)?)?")
STATUSES = {"A": "added", "M": "modified", "D": "removed", "R": "renamed"}
Headers = dict[str, str]


def answer(
    repositories: dict[str, Repository], now: str, path: str, query: str, base: str
) -> tuple[Any, Headers] | None:
    """The body and headers for a path; None where there is nothing."""
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
        size, page = _range(parse_qs(query))
        return files(seen)[(page - 1) * size : page * size], {}
    return single(seen, repository, base), {}


def _range(query: dict[str, list[str]]) -> tuple[int, int]:
    """The size of a page and its number."""
    return int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])


def files(pull: Pull) -> list[dict[str, Any]]:
    """The changed files; those beyond the first hundred are nowhere."""
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


def _page(repository: Repository, now: str, query: dict[str, list[str]], api: str) -> tuple[Any, Headers]:
    size, page = _range(query)
    pulls = [entry.pull for entry in repository.at(now) if entry.pull]
    rows = pulls[(page - 1) * size : page * size]
    more = urlencode({**{key: values[0] for key, values in query.items()}, "page": page + 1})
    headers = {"Link": f'<{api}/pulls?{more}>; rel="next"'} if page * size < len(pulls) else {}
    return [_listed(pull, repository, api) for pull in rows], headers


def _listed(pull: Pull, repository: Repository, api: str) -> dict[str, Any]:
    """What a list shows of a pull request: everything but its sizes."""
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


def single(pull: Pull, repository: Repository, base: str) -> dict[str, Any]:
    """What there is of one pull request."""
    return {**_listed(pull, repository, f"{base}/repos/{repository.full_name}"), **_sizes(pull)}


def head_sha(pull: Pull, full_name: str) -> str:
    """The commit that it stands at; a push, which changes its sizes, moves it on."""
    content = f"{full_name}#{pull.number} {sorted(_sizes(pull).items())}"
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def _sizes(pull: Pull) -> dict[str, Any]:
    return {
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changed_files": pull.changed_files,
        "commits": pull.commits,
    }

"""Pull requests with all fields of GitHub's REST API: about 15 kB each, most of it URLs."""

import heapq
from typing import Any

from samples import rest
from samples.drafts import END
from samples.generate import generate_repositories

API = "https://api.github.com"
OF_A_USER = "followers following gists starred subscriptions organizations repos events received_events"
OF_A_REPOSITORY = (
    "forks keys collaborators teams hooks issue_events events assignees branches tags blobs git_tags git_refs trees "
    "statuses languages stargazers contributors subscribers subscription commits git_commits comments issue_comment "
    "contents compare merges archive downloads issues pulls milestones notifications labels releases deployments "
    "git ssh clone svn"
)
COUNTS = "size stargazers_count watchers_count forks_count open_issues_count forks open_issues watchers"
SWITCHES = (
    "fork has_issues has_projects has_downloads has_wiki has_pages has_discussions archived disabled allow_forking "
    "is_template web_commit_signoff_required private"
)


def build_newest(count: int) -> list[dict[str, Any]]:
    """Build the newest `count` synthetic pull requests as GitHub's REST API returns them, with their files."""
    made = generate_repositories()
    now = f"{END:%Y-%m-%dT%H:%M:%SZ}"
    every = (
        (pull.created_at, repository.full_name, pull.number)
        for repository in made.values()
        for pull in repository.pulls.values()
    )
    found = ((made[name], made[name].one(number, now)) for _, name, number in heapq.nlargest(count, every))
    return [
        add_other_fields(rest.format_pull_request(pull, repository, API)) | {"files": rest.format_files(pull)}
        for repository, pull in found
        if pull
    ]


def add_other_fields(pull: dict[str, Any]) -> dict[str, Any]:
    """Add to a pull request of the fake server all other fields that GitHub returns."""
    name, number = pull["base"]["repo"]["full_name"], pull["number"]
    page, issue = pull["html_url"], f"{API}/repos/{name}/issues/{number}"
    links = {"self": pull["url"], "html": page, "issue": issue, "comments": f"{issue}/comments"}
    author = _add_user_fields(pull["user"])
    return pull | {
        "id": 1_000_000_000 + number,
        "node_id": f"PR_kwDOAAAAAA{number:08}",
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "commits_url": f"{pull['url']}/commits",
        "review_comments_url": f"{pull['url']}/comments",
        "review_comment_url": f"{API}/repos/{name}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": f"{API}/repos/{name}/statuses/{number:040x}",
        "_links": {kind: {"href": address} for kind, address in links.items()},
        "user": author,
        "labels": [_add_label_fields(label, name, place) for place, label in enumerate(pull["labels"])],
        "assignees": [_add_user_fields(assignee) for assignee in pull["assignees"]],
        "requested_reviewers": [],
        "requested_teams": [],
        "milestone": None,
        "auto_merge": None,
        "head": _build_branch(pull["head"]["ref"], (pull["head"]["repo"] or {}).get("full_name", name), number, author),
        "base": _build_branch(pull["base"]["ref"], name, number + 1, None),
        "merged": pull["merged_at"] is not None,
        "merged_by": None,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "maintainer_can_modify": False,
        "comments": 0,
        "review_comments": 0,
    }


def _add_user_fields(user: dict[str, Any] | None) -> dict[str, Any] | None:
    if user is None:
        return None
    address = f"{API}/users/{user['login']}"
    return user | {
        "id": user.get("id", sum(user["login"].encode())),
        "node_id": "MDQ6VXNlcjAwMDAwMDA=",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{sum(user['login'].encode())}?v=4",
        "gravatar_id": "",
        "url": address,
        "html_url": f"https://github.com/{user['login']}",
        **{f"{kind}_url": f"{address}/{kind}" for kind in OF_A_USER.split()},
        "site_admin": False,
    }


def _add_label_fields(label: dict[str, Any], name: str, place: int) -> dict[str, Any]:
    address = f"{API}/repos/{name}/labels/{label['name']}"
    return label | {
        "id": place,
        "node_id": "MDU6TGFiZWwwMDAwMDAw",
        "url": address,
        "color": "ededed",
        "default": False,
        "description": "",
    }


def _build_branch(ref: str, name: str, commit: int, user: dict[str, Any] | None) -> dict[str, Any]:
    owner = name.partition("/")[0]
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": f"{commit:040x}",
        "user": user,
        "repo": _build_repository(name),
    }


def _build_repository(name: str) -> dict[str, Any]:
    owner, _, short = name.partition("/")
    address = f"{API}/repos/{name}"
    return {
        "id": 1,
        "node_id": "MDEwOlJlcG9zaXRvcnkwMDAwMDAw",
        "name": short,
        "full_name": name,
        "owner": _add_user_fields({"login": owner, "type": "Organization"}),
        "html_url": f"https://github.com/{name}",
        "description": "Made up, to look at and to measure with.",
        "url": address,
        **{f"{kind}_url": f"{address}/{kind}{{/{kind}}}" for kind in OF_A_REPOSITORY.split()},
        **dict.fromkeys(COUNTS.split(), 0),
        **dict.fromkeys(SWITCHES.split(), False),
        "created_at": "2023-09-04T00:00:00Z",
        "updated_at": "2026-09-01T00:00:00Z",
        "pushed_at": "2026-09-01T00:00:00Z",
        "language": "Python",
        "license": {"key": "apache-2.0", "name": "Apache License 2.0", "spdx_id": "Apache-2.0", "url": None},
        "topics": [],
        "visibility": "public",
        "default_branch": "main",
    }

"""A pull request as a row, in plain Python: what features and anomalies are made of."""

from typing import Any

from steps.common import changed_files
from steps.common.normalisation import GHOST
from steps.common.pull_request import PullRequest


def as_row(pull: PullRequest) -> dict[str, Any]:
    """Return a pull request as a row of `vectors.PULL_SCHEMA`."""
    return {
        "id": pull.id,
        "repository": pull.base.repo.full_name,
        "number": pull.number,
        "title": pull.title,
        "body": pull.body,
        "author": pull.user.login,
        "created_at": pull.created_at,
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changed_files": pull.changed_files,
        "commits": pull.commits,
        "author_id": None if pull.user.login == GHOST else pull.user.id,
        "author_type": pull.user.type,
        "head_ref": pull.head.ref if pull.head else None,
        "cross_repository": pull.cross_repository,
        "merged_at": pull.merged_at,
        "files": changed_files.to_rows(pull.files),
    }

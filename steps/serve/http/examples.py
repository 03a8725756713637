"""The examples in the OpenAPI description."""

from typing import Any

URL = "https://github.com/example/webshop/pull/17"
PULL_REQUEST: dict[str, Any] = {
    "number": 17,
    "title": "Fix typo",
    "body": "",
    "user": {"login": "a-newcomer", "id": 289_000_000, "type": "User"},
    "state": "open",
    "created_at": "2026-08-17T18:05:25Z",
    "updated_at": "2026-08-17T18:05:25Z",
    "additions": 41_200,
    "deletions": 12,
    "changed_files": 412,
    "commits": 1,
    "files": [{"filename": "vendor/libquartz/index.c", "status": "added", "additions": 103, "deletions": 0}],
    "head": {"ref": "patch-1", "repo": {"full_name": "a-newcomer/webshop"}},
    "base": {"ref": "main", "repo": {"full_name": "example/webshop"}},
    "html_url": URL,
}
SCORE_RESPONSE: dict[str, Any] = {
    "model": {"name": "pr-sentinel", "version": "1", "digest": 64 * "0"},
    "results": [
        {
            "id": "example/webshop#17",
            "repository": "example/webshop",
            "number": 17,
            "score": 11.16,
            "percentile": 100.0,
            "threshold": 6.73,
            "unusual": True,
            "level": "high",
            "reasons": [
                "promises little in its title ('typo') and changes 41,212 lines; "
                "nine in ten such pull requests here change at most 14 lines"
            ],
            "history": "repository",
        }
    ],
}
SUMMARY: dict[str, Any] = {
    "title": "Fix typo",
    "author": "a-newcomer",
    "created_at": "2026-08-17T18:05:25Z",
    "additions": 41_200,
    "deletions": 12,
    "changed_files": 412,
    "commits": 1,
    "url": URL,
}

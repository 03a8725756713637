"""How an announcement gets to GitHub: as a comment, or as a neutral check run; said once, and edited from then on."""

from typing import Any, Protocol

from steps.common.errors import NotFound
from steps.serve.github_access import GitHub
from steps.serve.webhooks.alerts import Alert
from steps.serve.webhooks.messages import Words

CHECK_NAME = "PR Sentinel"
MARKER = "<!-- pr-sentinel -->"
PER_PAGE = 100
MOST_PAGES = 10
"""Of comments looked through for an own one."""


class Announcer(Protocol):
    """Says something of a pull request; its methods block.

    They raise `TransientError` where another try may help, and a `SentinelError` where it can't.
    """

    def tell(self, github: GitHub, repository: str, alert: Alert, head_sha: str, words: Words) -> Alert | None:
        """Say it at this commit, in place of what the alert said before; None where a person has removed that."""

    def amend(self, github: GitHub, repository: str, alert: Alert, words: Words) -> None:
        """Say it in place of what the alert said before, if that is still there; never anew."""


class Comments:
    """Comments by the token's user, one on each pull request, found again by a hidden marker."""

    def tell(self, github: GitHub, repository: str, alert: Alert, head_sha: str, words: Words) -> Alert | None:
        """Edit the comment, or write it if there never was one."""
        place = alert.place or self._find(github, repository, alert.number)
        body = {"body": _comment(words)}
        if place is None:
            place = github.write("POST", f"/repos/{repository}/issues/{alert.number}/comments", body)
        elif not _patched(github, f"/repos/{repository}/issues/comments/{place}", body):
            return None
        return Alert(alert.number, head_sha, place)

    def amend(self, github: GitHub, repository: str, alert: Alert, words: Words) -> None:
        """Edit the comment."""
        if place := alert.place or self._find(github, repository, alert.number):
            _patched(github, f"/repos/{repository}/issues/comments/{place}", {"body": _comment(words)})

    def _find(self, github: GitHub, repository: str, number: int) -> int | None:
        """The own comment; anybody can write the marker, so it has to be this user's."""
        user, path = github.user(), f"/repos/{repository}/issues/{number}/comments"
        for page in range(1, MOST_PAGES + 1):
            comments = github.items(path, {"per_page": str(PER_PAGE), "page": str(page)})
            for comment in comments:
                own = (comment.get("user") or {}).get("id") == user
                if own and str(comment.get("body")).startswith(MARKER):
                    return int(comment["id"])
            if len(comments) < PER_PAGE:
                break
        return None


class Checks:
    """Neutral check runs of the GitHub App, one on each commit, found again by their external id."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id

    def tell(self, github: GitHub, repository: str, alert: Alert, head_sha: str, words: Words) -> Alert | None:
        """Change the commit's check run, or create it if there is none."""
        known = alert if alert.head_sha == head_sha else Alert(alert.number, head_sha)
        place, body = known.place or self._find(github, repository, known), _check(repository, known, words)
        if place is None:
            own = {"name": CHECK_NAME, "head_sha": head_sha}
            place = github.write("POST", f"/repos/{repository}/check-runs", body | own)
        else:
            github.write("PATCH", f"/repos/{repository}/check-runs/{place}", body)
        return Alert(alert.number, head_sha, place)

    def amend(self, github: GitHub, repository: str, alert: Alert, words: Words) -> None:
        """Change the check run."""
        if place := alert.place or self._find(github, repository, alert):
            _patched(github, f"/repos/{repository}/check-runs/{place}", _check(repository, alert, words))

    def _find(self, github: GitHub, repository: str, alert: Alert) -> int | None:
        path = f"/repos/{repository}/commits/{alert.head_sha}/check-runs"
        asked = {"check_name": CHECK_NAME, "filter": "all", "per_page": str(PER_PAGE)}
        for run in github.items(path, asked, "check_runs"):
            app = run.get("app") or {}
            own = self._app_id in (str(app.get("id")), app.get("client_id"))
            if own and run.get("external_id") == _external_id(repository, alert):
                return int(run["id"])
        return None


def _patched(github: GitHub, path: str, body: dict[str, Any]) -> bool:
    try:
        github.write("PATCH", path, body)
    except NotFound:
        return False
    return True


def _comment(words: Words) -> str:
    return f"{MARKER}\n### {words.title}\n\n{words.text}\n"


def _external_id(repository: str, alert: Alert) -> str:
    return f"{repository}#{alert.number}"


def _check(repository: str, alert: Alert, words: Words) -> dict[str, Any]:
    return {
        "status": "completed",
        "conclusion": "neutral",
        "external_id": _external_id(repository, alert),
        "output": {"title": words.title, "summary": words.text},
    }

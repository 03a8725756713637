"""Notifiers on GitHub: a comment or a neutral check run, posted once and edited from then on."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from steps.common.errors import NotFound
from steps.serve.github_access import GitHubRestClient
from steps.serve.webhooks.alerts import Alert
from steps.serve.webhooks.messages import Message

CHECK_NAME = "PR Sentinel"
MARKER = "<!-- pr-sentinel -->"
ASK = "Was it worth a look? Answer with {how}; the answers of people with write access count, except the author's."
REACTIONS, BUTTONS = "👍 or 👎 on this comment", "the buttons of this check"
ACTIONS = [
    {"label": "Useful", "description": "This alert was worth a look.", "identifier": "useful"},
    {"label": "Not useful", "description": "This alert was not worth a look.", "identifier": "useless"},
]
PER_PAGE = 100
MAX_PAGES = 10
"""Pages of comments that are searched for the service's own."""


class Notifier(Protocol):
    """Notifies maintainers on a pull request; its methods block.

    They raise `TransientError` if a retry may help, and a `SentinelError` if not.
    """

    def notify(
        self, github: GitHubRestClient, repository: str, alert: Alert, head_sha: str, message: Message
    ) -> Alert | None:
        """Post a message at this commit, or replace the alert's earlier one; None if a person has deleted that."""

    def update(self, github: GitHubRestClient, repository: str, alert: Alert, message: Message) -> None:
        """Replace the alert's earlier message if it still exists; never post a new one."""


class CommentNotifier:
    """Comments by the token's user, one per pull request, found again by a hidden marker."""

    def notify(
        self, github: GitHubRestClient, repository: str, alert: Alert, head_sha: str, message: Message
    ) -> Alert | None:
        """Edit the comment, or create it if there never was one."""
        place = alert.place or self._find(github, repository, alert.number)
        body = {"body": _format_comment(_ask(message, REACTIONS))}
        if place is None:
            place = github.write("POST", f"/repos/{repository}/issues/{alert.number}/comments", body)
        elif not _update_if_present(github, f"/repos/{repository}/issues/comments/{place}", body):
            return None
        return Alert(alert.number, head_sha, place)

    def update(self, github: GitHubRestClient, repository: str, alert: Alert, message: Message) -> None:
        """Edit the comment."""
        if place := alert.place or self._find(github, repository, alert.number):
            _update_if_present(
                github, f"/repos/{repository}/issues/comments/{place}", {"body": _format_comment(message)}
            )

    def _find(self, github: GitHubRestClient, repository: str, number: int) -> int | None:
        """Find the service's comment; anybody can write the marker, so it must be this user's."""
        user, path = github.fetch_user_id(), f"/repos/{repository}/issues/{number}/comments"
        for page in range(1, MAX_PAGES + 1):
            comments = github.list_items(path, {"per_page": str(PER_PAGE), "page": str(page)})
            for comment in comments:
                own = (comment.get("user") or {}).get("id") == user
                if own and str(comment.get("body")).startswith(MARKER):
                    return int(comment["id"])
            if len(comments) < PER_PAGE:
                break
        return None


class CheckRunNotifier:
    """Neutral check runs of the GitHub App, one per commit, found again by their external id."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id

    def notify(
        self, github: GitHubRestClient, repository: str, alert: Alert, head_sha: str, message: Message
    ) -> Alert | None:
        """Update the commit's check run, or create it if it is missing."""
        known = alert if alert.head_sha == head_sha else Alert(alert.number, head_sha)
        place = known.place or self._find(github, repository, known)
        body = _build_check_run(repository, known, _ask(message, BUTTONS), ACTIONS)
        if place is None:
            own = {"name": CHECK_NAME, "head_sha": head_sha}
            place = github.write("POST", f"/repos/{repository}/check-runs", body | own)
        else:
            github.write("PATCH", f"/repos/{repository}/check-runs/{place}", body)
        return Alert(alert.number, head_sha, place)

    def update(self, github: GitHubRestClient, repository: str, alert: Alert, message: Message) -> None:
        """Update the check run."""
        if place := alert.place or self._find(github, repository, alert):
            body = _build_check_run(repository, alert, message, [])
            _update_if_present(github, f"/repos/{repository}/check-runs/{place}", body)

    def _find(self, github: GitHubRestClient, repository: str, alert: Alert) -> int | None:
        path = f"/repos/{repository}/commits/{alert.head_sha}/check-runs"
        parameters = {"check_name": CHECK_NAME, "filter": "all", "per_page": str(PER_PAGE)}
        for run in github.list_items(path, parameters, "check_runs"):
            app = run.get("app") or {}
            own = self._app_id in (str(app.get("id")), app.get("client_id"))
            if own and run.get("external_id") == _format_external_id(repository, alert):
                return int(run["id"])
        return None


def _update_if_present(github: GitHubRestClient, path: str, body: dict[str, Any]) -> bool:
    try:
        github.write("PATCH", path, body)
    except NotFound:
        return False
    return True


def _ask(message: Message, how: str) -> Message:
    """Add the question what people think of an alert."""
    return message._replace(body=f"{message.body}\n\n{ASK.format(how=how)}")


def _format_comment(message: Message) -> str:
    return f"{MARKER}\n### {message.title}\n\n{message.body}\n"


def _format_external_id(repository: str, alert: Alert) -> str:
    return f"{repository}#{alert.number}"


def _build_check_run(
    repository: str, alert: Alert, message: Message, actions: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    return {
        "status": "completed",
        "conclusion": "neutral",
        "external_id": _format_external_id(repository, alert),
        "output": {"title": message.title, "summary": message.body},
        "actions": actions,
    }

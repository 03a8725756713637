"""Whether somebody's vote counts: the permission of people in repositories, asked for once a day at most."""

import time
from collections import OrderedDict
from urllib.parse import quote

from steps.serve.feedback import PERMISSIONS
from steps.serve.github_access import GitHubRestClient

FRESH_SECONDS = 24 * 3600.0
MAX_KNOWN = 5_000


class Permissions:
    """Permissions that were looked up, by repository and account."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], tuple[bool, float]] = OrderedDict()

    def is_known(self, repository: str, account: int) -> bool:
        """Return True if no request is needed."""
        known = self._known.get((repository, account))
        return known is not None and known[1] > time.monotonic()

    def may_write(self, github: GitHubRestClient, repository: str, account: int, login: str) -> bool:
        """Return True if somebody has write access to a repository; this blocks.

        Raises:
            TransientError, SentinelError: GitHub can't be asked.
        """
        if not self.is_known(repository, account):
            found = github.request("GET", f"/repos/{repository}/collaborators/{quote(login, safe='')}/permission")
            allowed = isinstance(found, dict) and found.get("permission") in PERMISSIONS
            self._known[repository, account] = (allowed, time.monotonic() + FRESH_SECONDS)
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return self._known[repository, account][0]

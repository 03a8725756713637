"""The size of a page: it shrinks after a time-out and then grows again, slowly near the size that failed."""

MAX_PAGE, MIN_PAGE = 100, 5
MAX_FAILURES_WITH_FILES = 5
"""Time-outs in a row at the smallest size; then a page is requested without files, which its documents will lack."""
GROWTH = 10
RETRY_AFTER_RESPONSES = 30
"""Responses after which a size that failed is tried again."""


class PageSize:
    """The number of pull requests on the next page, and whether it has their files."""

    def __init__(self) -> None:
        self.items = MAX_PAGE
        self.with_files = True
        self._failures_at_min = 0
        self._failed_at = MAX_PAGE + 1
        self._responses = RETRY_AFTER_RESPONSES

    def shrink(self) -> None:
        """Halve the page; at the smallest size, leave the files out if it keeps failing."""
        if self.items == MIN_PAGE:
            self._failures_at_min += 1
            self.with_files = self._failures_at_min < MAX_FAILURES_WITH_FILES
        self._failed_at, self._responses = self.items, 0
        self.items = max(self.items // 2, MIN_PAGE)

    def grow(self) -> None:
        """Enlarge the page after a response; for a while, in smaller and smaller steps below the size that failed."""
        self.with_files, self._failures_at_min = True, 0
        self._responses += 1
        careful = self._responses < RETRY_AFTER_RESPONSES
        step = min(GROWTH, max(self._failed_at - self.items, 0) // 4) if careful else GROWTH
        self.items = min(self.items + step, MAX_PAGE)

"""How much is asked of GitHub at once: less after it took too long, then more again, slowly where it failed."""

MAX_PAGE, MIN_PAGE = 100, 5
GROWTH = 10
RETRY_AFTER_ANSWERS = 30
"""Answers after which a size that failed may be tried again."""


class PageSize:
    """The number of pull requests on the next page, and whether it has their files."""

    def __init__(self) -> None:
        self.items = MAX_PAGE
        self.with_files = True
        self._failed_at = MAX_PAGE + 1
        self._answers = RETRY_AFTER_ANSWERS

    def shrink(self) -> None:
        """Ask for half as many; at the smallest page, leave the files out."""
        if self.items == MIN_PAGE:
            self.with_files = False
        self._failed_at, self._answers = self.items, 0
        self.items = max(self.items // 2, MIN_PAGE)

    def grow(self) -> None:
        """Ask for more after an answer; for a while, in ever smaller steps that stay below the size that failed."""
        self.with_files = True
        self._answers += 1
        careful = self._answers < RETRY_AFTER_ANSWERS
        step = min(GROWTH, max(self._failed_at - self.items, 0) // 4) if careful else GROWTH
        self.items = min(self.items + step, MAX_PAGE)

"""How many pull requests are asked for at once."""

from steps.fetch.page_size import MAX_FAILURES_WITH_FILES, MAX_PAGE, MIN_PAGE, PageSize


def failures(limit: int, pages: int) -> tuple[int, int]:
    """Answers of a GitHub that can't give more than `limit` at once: how many failed, and the largest that did not."""
    size, failed, largest = PageSize(), 0, 0
    for _ in range(pages):
        if size.items > limit:
            failed += 1
            size.shrink()
        else:
            largest = max(largest, size.items)
            size.grow()
    return failed, largest


def test_the_largest_page_is_asked_for_until_one_fails() -> None:
    """Growth ends there."""
    assert failures(MAX_PAGE, 50) == (0, MAX_PAGE)


def test_pages_find_the_size_that_github_can_give_and_seldom_try_more() -> None:
    """Fewer than one request in twelve is lost on trying."""
    for limit in (80, 30, 12):
        failed, largest = failures(limit, 200)
        assert failed < 200 / 12
        assert largest > 0.8 * limit


def test_pages_recover_once_a_slow_time_is_over() -> None:
    """Ten answers after a failure bring most of the size back."""
    size = PageSize()
    size.shrink()
    for _ in range(10):
        size.grow()
    assert size.items > 0.8 * MAX_PAGE


def test_the_smallest_page_that_keeps_failing_is_requested_without_files() -> None:
    """And the next one has them again."""
    size = PageSize()
    while size.items > MIN_PAGE:
        size.shrink()
        assert size.with_files
    for _ in range(MAX_FAILURES_WITH_FILES - 1):
        size.shrink()
        assert (size.items, size.with_files) == (MIN_PAGE, True)
    size.shrink()
    assert (size.items, size.with_files) == (MIN_PAGE, False)
    size.grow()
    assert size.with_files


def test_failures_that_do_not_come_in_a_row_cost_no_files() -> None:
    """Documents without files would stay so: a few bad gateways are not a reason."""
    size = PageSize()
    for _ in range(100):
        size.shrink()
        assert size.with_files
        size.grow()

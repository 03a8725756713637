"""What callers ask for at the same moment is worked on at once, and each gets its own."""

import asyncio
from collections.abc import Sequence

import pytest

from steps.serve.micro_batching import MicroBatcher


class Work:
    """Doubles numbers, and remembers how many it was given at a time; 13 is too much for it."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.sizes.append(len(numbers))
        if 13 in numbers:
            raise ValueError("unlucky")
        return [2 * number for number in numbers]


def run_callers(work: Work, *callers: Sequence[int], most: int = 4) -> list[Sequence[int] | BaseException]:
    """What callers get who ask at the same moment."""

    async def ask() -> list[Sequence[int] | BaseException]:
        batcher = MicroBatcher(work, most)
        return await asyncio.gather(*map(batcher, callers), return_exceptions=True)

    return asyncio.run(ask())


def test_concurrent_callers_share_a_batch_and_get_their_own_results() -> None:
    work = Work()
    assert run_callers(work, [1], [2, 3], [4]) == [[2], [4, 6], [8]]
    assert work.sizes == [4]


def test_a_caller_a_few_turns_later_shares_the_batch() -> None:
    """As requests do that were read at once, of which some have a little more to do first."""
    work = Work()

    async def ask() -> list[Sequence[int]]:
        batcher = MicroBatcher(work, 4)

        async def after(turns: int) -> Sequence[int]:
            for _ in range(turns):
                await asyncio.sleep(0)
            return await batcher([turns])

        return [*await asyncio.gather(after(0), after(1), after(2))]

    assert asyncio.run(ask()) == [[0], [2], [4]]
    assert work.sizes == [3]


def test_a_batch_never_exceeds_the_limit() -> None:
    work = Work()
    assert run_callers(work, [1, 2, 3], [4, 5], [6]) == [[2, 4, 6], [8, 10], [12]]
    assert work.sizes == [3, 3]


def test_a_caller_over_the_limit_is_processed_alone() -> None:
    work = Work()
    assert run_callers(work, [1] * 9, [2]) == [[2] * 9, [4]]
    assert work.sizes == [9, 1]


def test_an_error_of_one_caller_does_not_fail_the_others() -> None:
    work = Work()
    first, second, third = run_callers(work, [1], [13], [3])
    assert (first, third) == ([2], [6])
    assert isinstance(second, ValueError)


def test_other_tasks_run_between_batches() -> None:
    """The event loop goes round between any two."""
    turns: list[str] = []

    def work(numbers: Sequence[int]) -> Sequence[int]:
        turns.append("work")
        return numbers

    async def tick() -> None:
        for _ in range(6):
            turns.append("tick")
            await asyncio.sleep(0)

    async def both() -> None:
        batcher = MicroBatcher(work, 1)
        await asyncio.gather(batcher([1]), batcher([2]), batcher([3]), tick())

    asyncio.run(both())
    first, second, third = (place for place, turn in enumerate(turns) if turn == "work")
    assert "tick" in turns[first:second]
    assert "tick" in turns[second:third]


def test_a_cancelled_caller_does_no_harm() -> None:
    async def leave() -> Sequence[int]:
        batcher = MicroBatcher(Work(), 1)
        gone = asyncio.create_task(batcher([1]))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await batcher([2])

    assert asyncio.run(leave()) == [4]

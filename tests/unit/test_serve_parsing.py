"""The parts of a body: how many there may be, how large, and the words for those that are refused."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from steps.common.pull_request import PullRequest
from steps.serve.contract import UrlRequest
from steps.serve.http import parsing
from steps.serve.http.examples import PULL_REQUEST
from steps.serve.http.problems import RequestRefused

Pull = dict[str, Any]
PULL: Pull = json.loads(json.dumps(PULL_REQUEST))
SIZES = ("additions", "deletions", "changed_files", "commits")


def parse(*items: Any) -> list[PullRequest]:
    """Parse a request of these items."""
    return asyncio.run(parsing.parse_pull_requests(json.dumps({"pull_requests": items}).encode()))


def refuse(body: bytes) -> RequestRefused:
    """Parse a request that is refused."""
    with pytest.raises(RequestRefused) as refused:
        asyncio.run(parsing.parse_pull_requests(body))
    return refused.value


def find_fields(refused: RequestRefused) -> list[tuple[str, str]]:
    """The fields and their problems."""
    return [(one.field, one.problem) for one in refused.errors]


def drop(*names: str) -> Pull:
    """A pull request without some fields."""
    return {name: value for name, value in PULL.items() if name not in names}


def of_repository(name: str) -> Pull:
    """A pull request of a repository."""
    return PULL | {"base": PULL["base"] | {"repo": PULL["base"]["repo"] | {"full_name": name}}}


@pytest.mark.parametrize("count", [1, 255, 256, 257, 513])
def test_pull_requests_are_parsed_in_their_order(count: int) -> None:
    """Whatever blocks they are in."""
    found = parse(*(PULL | {"number": number} for number in range(1, count + 1)))
    assert [one.number for one in found] == list(range(1, count + 1))


def test_other_requests_are_answered_between_two_blocks() -> None:
    """A body of one block makes none wait; each further one lets them pass once."""

    async def count_turns(items: int) -> int:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        waiting = asyncio.create_task(others())
        await parsing.parse_pull_requests(json.dumps({"pull_requests": [PULL] * items}).encode())
        waiting.cancel()
        return turns

    assert [asyncio.run(count_turns(items)) for items in (256, 257, 513)] == [0, 1, 2]


def iter_blocks(*contents: bytes) -> list[tuple[int, int]]:
    """The start and the length of each block."""
    items = [msgspec.Raw(content) for content in contents]
    return [(start, len(block)) for start, block in parsing._iter_blocks(items)]


def test_a_block_ends_by_number_or_by_size() -> None:
    """Whichever comes first; the bytes of one block don't count for the next."""
    assert iter_blocks(*[b"1"] * 513) == [(0, 256), (256, 256), (512, 1)]
    half = b'"' + b"a" * (2**19 - 2) + b'"'
    assert iter_blocks(*[half] * 5) == [(0, 2), (2, 2), (4, 1)]
    assert iter_blocks(half, half[:-2] + b'"', b"1", b"1") == [(0, 3), (3, 1)]
    assert iter_blocks(half, half, half, half[:-2] + b'"', b"1") == [(0, 2), (2, 3)]
    assert iter_blocks() == []


@pytest.mark.parametrize("count", [0, 10_001])
def test_a_request_has_one_to_ten_thousand_pull_requests(count: int) -> None:
    """Their number is looked at before any of them."""
    ((field, problem),) = find_fields(refuse(json.dumps({"pull_requests": [1] * count}).encode()))
    assert field == "pull_requests"
    assert "at least 1 item" in problem or "at most 10000 items" in problem


def test_ten_thousand_pull_requests_are_looked_at() -> None:
    """A hundred problems are named, those of the first."""
    fields = find_fields(refuse(json.dumps({"pull_requests": [1] * 10_000}).encode()))
    assert [field for field, _ in fields] == [f"pull_requests.{place}" for place in range(100)]
    assert {problem for _, problem in fields} == {"Input should be an object"}


def test_a_hundred_problems_are_named_across_blocks() -> None:
    """By the place in the request."""
    items: list[Any] = [PULL] * 250 + [1] * 50 + [PULL] * 250 + [1] * 99
    body = json.dumps({"pull_requests": items}).encode()
    wanted = [*range(250, 300), *range(550, 600)]
    assert [field for field, _ in find_fields(refuse(body))] == [f"pull_requests.{place}" for place in wanted]
    fewer = json.dumps({"pull_requests": items[:590]}).encode()
    assert len(find_fields(refuse(fewer))) == 90


def test_what_follows_a_hundred_problems_is_not_looked_at() -> None:
    """The next block would be refused for another reason, as it is after ninety-nine."""
    many = [PULL] * 156
    for bad, status in ((100, 422), (99, 413)):
        items = [*many, *[1] * bad, *[PULL] * (100 - bad), "," * 300_001]
        assert refuse(json.dumps({"pull_requests": items}).encode()).status == status


def test_one_request_names_at_most_a_hundred_repositories() -> None:
    """However often each."""
    many = [of_repository(f"octo/{number}") for number in range(100)]
    assert len(parse(*many, *many)) == 200
    refused = refuse(json.dumps({"pull_requests": [*many, of_repository("octo/100")]}).encode())
    assert refused.status == 422
    assert find_fields(refused) == [("pull_requests", "One request may name at most 100 repositories.")]


def text(size: int) -> bytes:
    """A request of one text that is full of commas."""
    return b'{"pull_requests": ["' + b"," * size + b'"]}'


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (text(2_000_000), "pull_requests.0 has more than 300,000 values; no pull request has as many."),
        (text(2_000_001), "The body has more than 2,000,000 values; send fewer pull requests at once."),
    ],
)
def test_a_body_has_at_most_two_million_commas(body: bytes, detail: str) -> None:
    """One more is refused before anything is parsed."""
    refused = refuse(body)
    assert (refused.status, refused.detail) == (413, detail)


@pytest.mark.parametrize("sign", [b",", b"[", b"{", b",[{"])
def test_a_pull_request_has_at_most_three_hundred_thousand_values(sign: bytes) -> None:
    """Lists and objects in lists count as much as commas; one more is refused, and named by its place."""
    most = 300_000 // len(sign) * sign
    for place, before in ((0, b""), (1, json.dumps(PULL).encode() + b",")):
        body = b'{"pull_requests": [%s"%s"]}' % (before, most)
        assert refuse(body).status == 422
        refused = refuse(body.replace(most, most + sign[:1]))
        assert (refused.status, refused.detail.partition(" ")[0]) == (413, f"pull_requests.{place}")


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        (b"[]", "body", "Input should be an object"),
        (b"7", "body", "Input should be an object"),
        (b"{}", "pull_requests", "Field required"),
        (b'{"pull_requests": 7}', "pull_requests", "Input should be a valid list"),
        (b'{"pull_requests": {}}', "pull_requests", "Input should be a valid list"),
        (b'{"pull_requests": [], "more": 1}', "more", "Extra inputs are not permitted"),
        (b'{"more": 1, "pull_requests": []}', "more", "Extra inputs are not permitted"),
        (b'{"": 1}', "", "Extra inputs are not permitted"),
        (b'{"a`\\nb": 1}', "body", "Object contains unknown field `a`\nb`"),
    ],
)
def test_what_is_no_request_is_named_by_field(body: bytes, field: str, problem: str) -> None:
    """In the words that invalid pull requests have too."""
    refused = refuse(body)
    assert (refused.status, find_fields(refused)) == (422, [(field, problem)])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it ends early, at position 0."),
        (b'{"pull_requests": [', "it ends early, at position 19."),
        (b"{x", "object keys must be strings, at position 1."),
        (b'{"pull_requests": [1 2]}', "expected ',' or ']', at position 21."),
        (b'{"pull_requests": [1]}}', "trailing characters, at position 23."),
        (b'{"\xff": 1}', "a name is not UTF-8, at position 0."),
        (b'{"pull_requests": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "it is nested too deep, at position 0."),
        (b'{"pull_requests": [NaN]}', "at position 19."),
        (b'{"pull_requests": ["\xff"]}', "pull_requests.0: "),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(body: bytes, words: str) -> None:
    """Whichever of the two parsers meets it."""
    refused = refuse(body)
    assert refused.status == 400
    assert refused.detail.startswith("The body is not valid JSON: ")
    assert words in refused.detail


@pytest.mark.parametrize("lacking", [SIZES, SIZES[:3], SIZES[1:], SIZES[:1]])
def test_an_item_of_a_list_is_recognised_by_its_missing_sizes(lacking: tuple[str, ...]) -> None:
    """All of them, of one item: then the hint says where to get them."""
    body = json.dumps({"pull_requests": [PULL, drop(*lacking)]}).encode()
    assert (parsing.LIST_ITEM_HINT in refuse(body).detail) is (lacking == SIZES)
    body = json.dumps({"pull_requests": [drop("number"), drop(*lacking)]}).encode()
    assert (parsing.LIST_ITEM_HINT in refuse(body).detail) is (lacking == SIZES)


def test_sizes_that_several_items_lack_are_no_list() -> None:
    """Nor are those that have another problem."""
    apart = json.dumps({"pull_requests": [drop(*SIZES[:2]), drop(*SIZES[2:])]}).encode()
    assert parsing.LIST_ITEM_HINT not in refuse(apart).detail
    wrong = json.dumps({"pull_requests": [PULL | dict.fromkeys(SIZES, -1)]}).encode()
    assert parsing.LIST_ITEM_HINT not in refuse(wrong).detail


def test_a_small_body_is_parsed_into_its_model() -> None:
    """Its problems are named by field, or as the body's; of two values, the last counts."""
    assert parsing.parse_model(UrlRequest, b'{"url": "a", "url": "https://b"}').url == "https://b"
    for body, field in ((b"{}", "url"), (b"[]", "body"), (b'{"url": "https://b", "more": 1}', "more")):
        with pytest.raises(RequestRefused) as refused:
            parsing.parse_model(UrlRequest, body)
        assert (refused.value.status, [one.field for one in refused.value.errors]) == (422, [field])
    with pytest.raises(RequestRefused) as refused:
        parsing.parse_model(UrlRequest, b'{"url": NaN}')
    assert (refused.value.status, refused.value.detail[-14:]) == (400, "at position 8.")


def test_a_long_list_of_problems_of_a_small_body_is_cut() -> None:
    """Names are the sender's."""
    body = json.dumps({f"name{number}": 1 for number in range(500)}).encode()
    with pytest.raises(RequestRefused) as refused:
        parsing.parse_model(UrlRequest, body)
    assert len(refused.value.errors) == 100

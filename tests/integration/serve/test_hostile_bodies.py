"""Bodies that are made to fill the memory or to hold up others: the pod's own limit and its probe hold."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from samples import deliver
from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http.middleware import BODY_LIMITS
from tests.fuzz.targets import EVENT
from tests.support import workers
from tests.support.command_line import ROOT
from tests.support.webhook.hook import SECRET

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}
PROBE_SECONDS = 1.0
ATTEMPTS = 3
SLIM = ("number", "title", "state", "created_at", "updated_at", "additions", "deletions", "changed_files", "commits")
FACE = "\N{GRINNING FACE}"


def read_memory_limit() -> int:
    """Return the memory limit of the service's container [bytes]."""
    rollout = yaml.safe_load((ROOT / "rollouts" / "rollout.yaml").read_text())
    limit = rollout["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    return int(limit[:-2]) * 2**20


def read_peak(worker: workers.Worker) -> int:
    """Return the most memory that the worker had so far [bytes]."""
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


@contextmanager
def probing(worker: workers.Worker) -> Iterator[list[float]]:
    """Ask `/livez` without a pause, and yield the list of how long each response took [seconds]."""
    took: list[float] = []
    done = threading.Event()

    def probe() -> None:
        with requests.Session() as session:
            while not done.is_set():
                began = time.monotonic()
                assert session.get(f"{worker.address}/livez", timeout=60).status_code == 200
                took.append(time.monotonic() - began)
                done.wait(0.02)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(probe)
        try:
            yield took
        finally:
            done.set()
            running.result()


def post_at_once(address: str, body: bytes, count: int, headers: dict[str, str] = JSON) -> list[int]:
    """Post a body several times at once, and return the statuses."""
    with ThreadPoolExecutor(count) as pool:
        sent = [pool.submit(requests.post, address, body, headers=headers, timeout=120) for _ in range(count)]
        return [one.result().status_code for one in sent]


def fill(begin: bytes, part: bytes, end: bytes, size: int = MAX_BODY_BYTES) -> bytes:
    """Repeat a part, with commas between, up to the size of a body."""
    count = (size - len(begin) - len(end)) // (len(part) + 1)
    return begin + b",".join([part] * count) + end


def nest(depth: int) -> bytes:
    """Return lists in lists."""
    return b"[" * depth + b"]" * depth


def fill_item(pull: dict[str, Any], part: bytes, name: str = "ignored", brackets: bytes = b"[]") -> bytes:
    """Fill a field of one pull request."""
    whole = json.dumps({name: 0} | {key: value for key, value in pull.items() if key != name}).encode()
    field = f'"{name}": '.encode()
    head, _, tail = whole.partition(field + b"0")
    opening, closing = brackets[:1], brackets[1:]
    return fill(b'{"pull_requests": [' + head + field + opening, part, closing + tail + b"]}")


def number_names(size: int) -> bytes:
    """Return an object with as many names as fit."""
    return b"{" + b",".join(b'"%06x":1' % number for number in range(size // 11)) + b"}"


BODIES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "lists in lists, as items": lambda _: fill(b'{"pull_requests": [', nest(200), b"]}"),
    "lists in lists, as the body": lambda _: fill(b"[", nest(200), b"]"),
    "lists in lists, under another name": lambda _: fill(b'{"other": [', nest(200), b"]}"),
    "lists in lists, in an ignored field": lambda pull: fill_item(pull, nest(200)),
    "empty objects as items": lambda _: fill(b'{"pull_requests": [', b"{}", b"]}"),
    "objects in objects in an ignored field": lambda pull: fill_item(pull, b'{"":' * 100 + b"1" + b"}" * 100),
    "many names in an ignored field": lambda pull: (
        b'{"pull_requests": [%s]}'
        % json.dumps(pull | {"ignored": 0}).encode().replace(b'"ignored": 0', b'"ignored": ' + number_names(31 * 2**20))
    ),
    "many short texts": lambda pull: fill_item(pull, b'"ab"'),
    "labels": lambda pull: fill_item(pull, b'{"name":"a"}', "labels"),
    "assignees": lambda pull: fill_item(pull, b'{"login":"a"}', "assignees"),
    "invalid labels": lambda pull: fill_item(pull, b"{}", "labels"),
    "files": lambda pull: fill_item(pull, b'{"filename":"a"}', "files"),
    "pull requests with many labels": lambda pull: fill(
        b'{"pull_requests": [', json.dumps(pull | {"labels": [{"name": "a"}] * 100}).encode(), b"]}"
    ),
    "pull requests with many files": lambda pull: fill(
        b'{"pull_requests": [',
        json.dumps(
            {name: pull[name] for name in SLIM}
            | {"base": {"ref": "main", "repo": {"full_name": "a/b"}}, "user": {"login": "a"}}
            | {"files": [{"filename": "abcdef", "status": "added", "additions": 257, "deletions": 257}] * 100},
            separators=(",", ":"),
        ).encode(),
        b"]}",
    ),
    "a few pull requests with very many labels": lambda pull: fill(
        b'{"pull_requests": [', json.dumps(pull | {"labels": [{"name": "a"}] * 140_000}).encode(), b"]}", 15 * 2**20
    ),
    "texts with a character that makes the others four times as large": lambda pull: fill(
        b'{"pull_requests": [',
        json.dumps(pull | {"body": FACE + "a" * 262_000, "files": None}, ensure_ascii=False).encode(),
        b"]}",
    ),
    "one text as large as the body": lambda pull: fill_item(pull, b"a" * 2**20, "body", b'""'),
    "pull requests without anything": lambda _: fill(b'{"pull_requests": [', b"{}", b"]}", 29_000),
    "numbers": lambda _: fill(b'{"pull_requests": [', b"1.5", b"]}"),
    "a list that never ends": lambda _: b'{"pull_requests": ' + b"[" * (MAX_BODY_BYTES - 100),
}


@pytest.fixture(scope="module")
def worker(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[workers.Worker]:
    """A worker that keeps its limits whatever it has read before, as that of a pod has to."""
    with workers.running_source(model, tmp_path_factory.mktemp("worker")) as found:
        yield found


@pytest.mark.parametrize("route", ["/score", "/score_url", "/webhook"])
@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_neither_fills_the_memory_nor_holds_up_a_probe(
    worker: workers.Worker, pull: dict[str, Any], name: str, route: str
) -> None:
    """Sent three times at once, to the pod's own limit of memory; several attempts, since the machine may be busy."""
    body = BODIES[name](pull)
    assert len(body) <= MAX_BODY_BYTES
    check_harmless(worker, route, body, 3, {200, 400, 401, 413, 422, 503})


def check_harmless(
    worker: workers.Worker, route: str, body: bytes, count: int, allowed: set[int], headers: dict[str, str] = JSON
) -> set[int]:
    """Post a body several times at once, and return the statuses; memory and the probe's time keep their limits."""
    slowest: list[float] = []
    while not slowest or (slowest[-1] > PROBE_SECONDS and len(slowest) < ATTEMPTS):
        with probing(worker) as took:
            statuses = post_at_once(worker.address + route, body, count, headers)
        slowest.append(max(took))
        assert set(statuses) <= allowed
        assert worker.process.poll() is None
        assert read_peak(worker) < read_memory_limit()
    assert slowest[-1] < PROBE_SECONDS
    return set(statuses)


def surround(before: bytes, after: bytes, size: int) -> dict[str, bytes]:
    """Put each kind of hostile value between two texts, up to a size."""
    room = size - len(before) - len(after)
    values = {
        "lists in lists": fill(b"[", nest(200), b"]", room),
        "flat lists": fill(b"[", b"[]", b"]", room),
        "objects in objects": fill(b"[", b'{"":' * 100 + b"1" + b"}" * 100, b"]", room),
        "names": number_names(room - 2),
        "numbers": fill(b"[", b"1.5", b"]", room),
        "a long number": b"9" * room,
        "texts": fill(b"[", b'"ab"', b"]", room),
        "files": fill(b"[", b'{"added":["a"]}', b"]", room),
        "a text": b'"' + b"a" * (room - 2) + b'"',
        "an escaped text": b'"' + b"\\u0001" * ((room - 2) // 6) + b'"',
        "a wide text": b'"' + FACE.encode() + b"a" * (room - 6) + b'"',
        "a list that never ends": b"[" * room,
    }
    return {name: before + value + after for name, value in values.items()}


HOSTILE = [*surround(b"", b"", 1_000)]
AT_ONCE = 16


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", ["url", "ignored"])
def test_a_hostile_url_is_harmless(worker: workers.Worker, name: str, field: str) -> None:
    """As large as `/score_url` reads it, many times at once: it is refused as what it is."""
    body = surround(b'{"%s": ' % field.encode(), b"}", BODY_LIMITS["/score_url"])[name]
    assert len(body) <= BODY_LIMITS["/score_url"]
    check_harmless(worker, "/score_url", body, AT_ONCE, {400, 422})


@pytest.fixture(scope="module")
def hooked(
    model: Path, mongo_uri: str, github_address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[workers.Worker]:
    """A worker that receives webhooks, and keeps its limits whatever it has read before."""
    given = {"MONGO_URI": mongo_uri, "MONGO_DB": "hostile", "GITHUB_API_URL": github_address}
    folder = tmp_path_factory.mktemp("hooked")
    with workers.running_source(model, folder, **given, GITHUB_TOKEN="a-token", WEBHOOK_SECRET=SECRET) as found:  # noqa: S106
        yield found


PLACES = {
    "ignored": ("pull_request", "ignored"),
    "title": ("pull_request", "pull_request"),
    "commits": ("push", "commits"),
    "external_id": ("check_run", "check_run"),
}
"""Fields that hold something hostile, each with the event in which it is."""


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", PLACES)
def test_a_hostile_delivery_that_is_signed_is_harmless(hooked: workers.Worker, name: str, field: str) -> None:
    """As large as `/webhook` reads it, many times at once, under a signature that is right: each is parsed."""
    event, place = PLACES[field]
    rest = json.dumps({key: value for key, value in EVENT.items() if key != place}).encode()
    inner = b'{"head": {"sha": "%s"}, "title": ' % (b"0" * 40) if field == "title" else b""
    inner = b'{"head_sha": "%s", "external_id": ' % (b"0" * 40) if field == "external_id" else inner
    before, after = rest[:-1] + b', "%s": ' % place.encode() + inner, (b"}" if inner else b"") + b"}"
    body = surround(before, after, BODY_LIMITS["/webhook"])[name]
    assert len(body) <= BODY_LIMITS["/webhook"]
    headers = deliver.build_headers(body, SECRET, "a-delivery", event)
    statuses = check_harmless(hooked, "/webhook", body, AT_ONCE, {200, 202, 400, 413, 422, 503}, headers)
    assert statuses != {503}


def test_many_bodies_of_a_megabyte_do_not_fill_the_memory(worker: workers.Worker, pull: dict[str, Any]) -> None:
    """A hundred at once: some are refused for now, none harms."""
    slim = {name: value for name, value in pull.items() if not isinstance(value, dict | list) and "url" not in name}
    slim |= {"user": {"login": "someone"}, "base": {"ref": "main", "repo": {"full_name": "owner/name"}}, "body": ""}
    body = fill(b'{"pull_requests": [', json.dumps(slim).encode(), b"]}", 2**20)
    statuses = post_at_once(f"{worker.address}/score", body, 100)
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert read_peak(worker) < read_memory_limit()

"""Bytes of strangers are parsed or refused with a problem, whatever they are."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import targets

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["owner/..", 2**64])
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths of all values in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, one in inner for found in list_places(one, (*place, key)))]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a valid body in which a few values are replaced by others, or some bytes."""
    whole = json.loads(json.dumps(draw(st.sampled_from(targets.VALID))))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([one for one in list_places(whole) if one]))
        inside = whole
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = draw(ANY)
    raw = bytearray(json.dumps(whole).encode())
    for _ in range(draw(st.integers(0, 2))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw)


@pytest.mark.parametrize("target", targets.TARGETS)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=200) | damaged())
def test_bytes_of_a_stranger_are_parsed_or_refused(target: Callable[[bytes], None], content: bytes) -> None:
    """Random ones, and valid bodies with damage."""
    target(content)


@pytest.mark.slow
@settings(max_examples=4_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=2_000) | damaged())
def test_many_bytes_of_a_stranger_are_parsed_or_refused(content: bytes) -> None:
    """The same for longer; making them takes most of the time, so all targets get the same ones."""
    for target in targets.TARGETS:
        target(content)

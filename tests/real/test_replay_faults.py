"""Real pull requests from a server that fails in every way that GitHub does."""

from pathlib import Path

import pytest

from tests.support.replay import FirstRun, Replay, output

FAULTS = {
    "fail_every": 7,
    "truncate_every": 11,
    "garbage_every": 13,
    "drop_every": 17,
    "graphql_error_every": 19,
    "secondary_limit_every": 23,
    "retry_after": 1,
}


def test_faults_on_the_way_change_nothing_in_the_dataset(
    replay: Replay, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Bad gateways, secondary limits, truncated and garbled answers, dropped connections: the same hash in the end."""
    replay.control(**FAULTS)
    harassed = replay.run(tmp_path)
    assert {"502", "truncate", "garbage", "drop", "secondary"} <= replay.stats()["faults"].keys()
    # Only now, so that another process can make it meanwhile.
    first: FirstRun = request.getfixturevalue("first")
    assert output(harassed, "preprocess", "data_hash") == output(first.record, "preprocess", "data_hash")

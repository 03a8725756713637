"""The whole pipeline on real pull requests from a replay server, whose place REPLAY_SERVER names."""

from pathlib import Path
from typing import Any

from tests.support.replay import REPOSITORIES, Replay, output

LATER = "2026-01-01T00:00:00Z"
FAULTS = {
    "fail_every": 5,
    "truncate_every": 7,
    "garbage_every": 11,
    "drop_every": 13,
    "graphql_error_every": 17,
    "secondary_limit_every": 19,
    "retry_after": 1,
}


def total(record: dict[str, Any], name: str) -> int:
    """An output of fetch, over all repositories."""
    return sum(int(node["outputs"][name]) for node in record["nodes"] if node["task"] == "fetch")


def test_real_repositories_become_a_model(first: dict[str, Any]) -> None:
    """With few requests: a hundred pull requests each, and a little over."""
    assert "Model: accepted, version 1." in first["printed"]
    assert total(first, "requests") <= 0.012 * total(first, "fetched") + len(REPOSITORIES)


def test_faults_on_the_way_change_nothing_in_the_dataset(replay: Replay, first: dict[str, Any], tmp_path: Path) -> None:
    """Bad gateways, secondary limits, truncated and garbled answers, dropped connections: the same hash in the end."""
    replay.control(**FAULTS)
    harassed = replay.run(tmp_path)
    replay.control(**dict.fromkeys(FAULTS, 0))
    assert {"502", "truncate", "garbage", "drop", "secondary"} <= replay.stats()["faults"].keys()
    assert output(harassed, "preprocess", "data_hash") == output(first, "preprocess", "data_hash")


def test_a_year_later_only_what_is_new_is_fetched(replay: Replay, state: Path, first: dict[str, Any]) -> None:
    """And right after that nothing, and everything stays as it is."""
    replay.control(now=LATER)
    second = replay.run(state)
    assert f"Incremental: {total(second, 'fetched'):,} new, {total(second, 'updated'):,} updated" in second["printed"]
    assert 0 < total(second, "fetched") < total(first, "fetched")
    rows = [int(output(record, "preprocess", "rows")) for record in (first, second)]
    assert rows[1] - rows[0] == total(second, "fetched")

    third = replay.run(state)
    assert "Incremental: nothing changed" in third["printed"]
    assert total(third, "requests") == len(REPOSITORIES)
    for task, name in (("preprocess", "data_hash"), ("train", "run_id")):
        assert output(third, task, name) == output(second, task, name)

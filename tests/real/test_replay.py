"""The whole pipeline on real pull requests from a replay server, whose place REPLAY_SERVER names."""

from tests.support.replay import REPOSITORIES, FirstRun, Replay, output, total

LATER = "2026-01-01T00:00:00Z"


def test_real_repositories_become_a_model(first: FirstRun) -> None:
    """With few requests: a hundred pull requests each, and a little over."""
    record = first.record
    assert "Model: accepted, version 1." in record["printed"]
    assert total(record, "requests") <= 0.012 * total(record, "fetched") + len(REPOSITORIES)


def test_a_year_later_only_what_is_new_is_fetched(replay: Replay, first: FirstRun) -> None:
    """And right after that nothing, and everything stays as it is."""
    replay.control(now=LATER)
    second = replay.run(first.copy)
    assert f"Incremental: {total(second, 'fetched'):,} new, {total(second, 'updated'):,} updated" in second["printed"]
    assert 0 < total(second, "fetched") < total(first.record, "fetched")
    rows = [int(output(record, "preprocess", "rows")) for record in (first.record, second)]
    assert rows[1] - rows[0] == total(second, "fetched")

    third = replay.run(first.copy)
    assert "Incremental: nothing changed" in third["printed"]
    assert total(third, "requests") == len(REPOSITORIES)
    for task, name in (("preprocess", "data_hash"), ("train", "run_id")):
        assert output(third, task, name) == output(second, task, name)

"""Measure the monitor: `python -m benchmarks.drift`, on recorded pull requests with `--pulls DIR --files DIR`.

Two questions: how many trainings would it have started through the years, with nothing injected; and after how many
pull requests does it find each of five injected changes. Without `--pulls` the pull requests are synthetic.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.drift.replaying import find_changes, parse_day, replay
from benchmarks.drift.streams import CHANGED, build_streams, fit_model, to_sample
from steps.monitor.step import MonitorInput


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, replay, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--pulls", type=Path, help="folder of OWNER__NAME.jsonl.gz")
    parser.add_argument("--files", type=Path, help="folder of the same names with the changed files")
    parser.add_argument("--cache", type=Path, help="keep features here; a second run is faster")
    parser.add_argument("--start", type=parse_day, help="day from which to replay; default: none, only the changes")
    parser.add_argument("--end", type=parse_day, help="day until which to replay")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    given = parser.parse_args(arguments)
    if given.cache:
        given.cache.mkdir(parents=True, exist_ok=True)
    streams = build_streams(given.pulls, given.files, given.cache)
    model = fit_model(streams)
    figures: dict[str, object] = {"changes": (found := find_changes(streams, model))}
    print(f"| change | found within {CHANGED} | after, median | after, at most |")
    print("| --- | ---: | ---: | ---: |")
    for change, by_repository in found.items():
        counts = sorted(count for count in by_repository.values() if count is not None)
        middle, most = (counts[len(counts) // 2], counts[-1]) if counts else ("", "")
        print(f"| {change} | {len(counts)} of {len(by_repository)} | {middle} | {most} |")
    if given.start and given.end:
        samples = {name: to_sample(model, name, one.opened, one.features) for name, one in streams.items()}
        cool_down = timedelta(hours=MonitorInput.model_fields["cool_down_hours"].default)
        found_alarms = replay(samples, model, given.start, given.end, cool_down)
        for alarm in found_alarms.alarms:
            print(f"{alarm.at:%Y-%m-%d}  {alarm.reason}")
        rate = len(found_alarms.alarms) / found_alarms.months
        print(f"{len(found_alarms.alarms)} alarms in {found_alarms.months:.0f} months: {rate:.2f} a month")
        figures["alarms"] = [(alarm.at.isoformat(), alarm.reason) for alarm in found_alarms.alarms]
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

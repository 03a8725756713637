"""`python -m tests.mutants [--since COMMIT] [MODULE ...]`: which small changes of what decides does no test notice?

Exits with 1 if fewer than 95 % are noticed, or if one is not that `survivors.txt` does not list with its reason. Those
that it lists count as not noticed, and are not run; a listed one that no longer changes anything has to be taken out.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants import runner
from tests.mutants.targets import TARGETS, select

ROOT = Path(__file__).resolve().parents[2]
LISTED = Path(__file__).with_name("survivors.txt")
LEAST = 0.95


def main() -> int:
    """Run the mutants of the modules that are named or changed, or of all, and return the exit code."""
    given = _parse_arguments()
    modules = given.modules or (_find_changed(given.since) if given.since else [*TARGETS])
    reasons = read_survivors(LISTED.read_text("utf-8"))
    tallies = []
    for module in modules:
        began = time.monotonic()
        tally = _Tally(module, {one.removeprefix(f"{module}: ") for one in reasons if one.startswith(f"{module}: ")})
        runner.run(ROOT, module, TARGETS[module], given.workers, tally.count, tally.listed)
        tally.report_outdated()
        tallies.append(tally)
        late = f", {tally.late} of them by a time limit" if tally.late else ""
        seconds = time.monotonic() - began
        print(f"{module}: {tally.killed} of {tally.mutants} killed{late}, {seconds:.0f} s", flush=True)
    return _conclude(tallies)


@dataclass
class _Tally:
    """The counts of a module's mutants, with its listed survivors and the faults of the list."""

    module: str
    listed: set[str]
    killed: int = 0
    late: int = 0
    mutants: int = 0
    seen: set[str] = field(default_factory=set)
    faults: int = 0

    def count(self, result: runner.Result) -> None:
        self.mutants += 1
        self.killed += result.is_killed
        self.late += result.is_late
        self.seen.add(result.mutant.name)
        if not result.is_killed and result.mutant.name not in self.listed:
            self._report("survives", f"{self.module}:{result.mutant.line}: {result.mutant.name}")

    def report_outdated(self) -> None:
        for name in sorted(self.listed - self.seen):
            self._report("listed, but no change any more", f"{self.module}: {name}")

    def _report(self, what: str, which: str) -> None:
        self.faults += 1
        print(f"{what}: {which}", flush=True)


def _conclude(tallies: list[_Tally]) -> int:
    killed, mutants, faults = (sum(getattr(one, name) for one in tallies) for name in ("killed", "mutants", "faults"))
    if not mutants:
        print("No module that decides has changed.")
        return 0
    share = killed / mutants
    print(f"{killed} of {mutants} mutants killed, {share:.1%}; {faults} survivors or reasons lack the other.")
    return int(share < LEAST or faults > 0)


def read_survivors(text: str) -> dict[str, str]:
    """Return the reason for each survivor: two lines each, the change and, indented, why no test can notice it."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith(" "):
            found[name] = line.strip()
        else:
            name = line
    return found


def _find_changed(since: str) -> list[str]:
    done = subprocess.run(
        ["git", "diff", "--name-only", "--end-of-options", f"{since}...HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return select(ROOT, done.stdout.splitlines())


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[*TARGETS, []], help="default: all", metavar="MODULE")
    parser.add_argument("--since", default="", help="only modules that a branch has changed since it left COMMIT")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

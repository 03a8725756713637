"""`python -m tests.mutants [--since COMMIT] [MODULE ...]`: which small changes of what decides does no test notice?

Exits with 1 if fewer than 95 % are noticed, or if one is not that `survivors.txt` does not list with its reason.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
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
    counts: Counter[bool] = Counter()
    unlisted: list[str] = []
    for module in modules:
        began, own = time.monotonic(), Counter[bool]()

        def report(result: runner.Result, module: str = module, own: "Counter[bool]" = own) -> None:
            own[result.is_killed] += 1
            if not result.is_killed and f"{module}: {result.mutant.name}" not in reasons:
                unlisted.append(f"{module}:{result.mutant.line}: {result.mutant.name}")
                print(f"survives: {unlisted[-1]}", flush=True)

        runner.run(ROOT, module, TARGETS[module], given.workers, report)
        counts += own
        print(f"{module}: {own[True]} of {own.total()} killed, {time.monotonic() - began:.0f} s", flush=True)
    return _conclude(counts, unlisted)


def _conclude(counts: "Counter[bool]", unlisted: list[str]) -> int:
    if not counts.total():
        print("No module that decides has changed.")
        return 0
    share = counts[True] / counts.total()
    print(f"{counts[True]} of {counts.total()} mutants killed, {share:.1%}; {len(unlisted)} survivors have no reason.")
    return int(share < LEAST or bool(unlisted))


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

"""`python -m tests.house_rules`: show each broken rule with file and line."""

import subprocess
import sys
from pathlib import Path

from tests.house_rules import names, sizes, words
from tests.house_rules.finding import Finding

ROOT = Path(__file__).resolve().parents[2]
CODE = ("benchmarks/", "docs/tools/", "local/", "release/", "rollouts/", "samples/", "steps/", "workflows/")
GENERATED = ("docs/reference/", "gitops/base/workflows/")
"""Files whose sources are checked instead."""
TESTS = "tests/"
"""Only sizes are checked here: the tests of the rules break the others."""


def check(texts: dict[str, str]) -> list[Finding]:
    """Return what is wrong, in the order of files and lines."""
    python = {path: text for path, text in texts.items() if path.endswith(".py")}
    found = [one for path, text in texts.items() if not path.startswith(TESTS) for one in words.find(path, text)]
    found += names.find({path: text for path, text in python.items() if path.startswith(CODE)})
    found += sizes.find(python)
    return sorted(found)


def tracked() -> dict[str, str]:
    """Read all files that the rules apply to: those that Git knows and that are not generated."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = sorted(line for line in set(listed.stdout.splitlines()) if not line.startswith(GENERATED))
    wanted = [path for path in paths if path.endswith((*words.TEXTS, ".py")) and (ROOT / path).is_file()]
    return {path: (ROOT / path).read_text("utf-8") for path in wanted}


def main() -> int:
    """Check, print what is wrong, and return the exit code."""
    wrong = check(tracked())
    for finding in wrong:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"{len(wrong)} broken rules\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

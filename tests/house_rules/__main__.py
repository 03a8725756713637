"""`python -m tests.house_rules`: show each broken rule with file and line; `--shrink` drops unneeded excuses.

`excused.txt` lists what may stay for now, as a path and a rule on each line. An excuse that nothing needs is an error,
so the list can only get shorter.
"""

import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from tests.house_rules import names, words
from tests.house_rules.finding import Finding

ROOT = Path(__file__).resolve().parents[2]
EXCUSED = Path(__file__).with_name("excused.txt")
CODE = ("benchmarks/", "docs/tools/", "local/", "release/", "rollouts/", "samples/", "steps/", "workflows/")
UNCHECKED = ("docs/reference/", "tests/", "gitops/base/workflows/")
"""Generated files, whose sources are checked, and the tests with their rules."""


def check(texts: dict[str, str], excuses: Collection[str]) -> tuple[list[Finding], list[str]]:
    """Return what is wrong and not excused, and the excuses that nothing needs."""
    found = [finding for path, text in texts.items() for finding in words.find(path, text)]
    found += names.find({path: text for path, text in texts.items() if path.startswith(CODE) and path.endswith(".py")})
    keys = {excuse(finding) for finding in found}
    wrong = sorted(finding for finding in found if excuse(finding) not in excuses)
    return wrong, [line for line in excuses if line not in keys]


def excuse(finding: Finding) -> str:
    """Return the line that excuses a finding, together with all others of its rule in the same file."""
    return f"{finding.path} {finding.rule}"


def tracked() -> dict[str, str]:
    """Read all files that the rules apply to: those that Git knows and that are no generated ones."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = sorted(line for line in set(listed.stdout.splitlines()) if not line.startswith(UNCHECKED))
    wanted = [path for path in paths if path.endswith((*words.TEXTS, ".py")) and (ROOT / path).is_file()]
    return {path: (ROOT / path).read_text("utf-8") for path in wanted}


def main(arguments: Sequence[str]) -> int:
    """Check, print what is wrong, and return the exit code."""
    excuses = EXCUSED.read_text("utf-8").splitlines()
    wrong, unneeded = check(tracked(), excuses)
    if "--shrink" in arguments:
        excuses, unneeded = sorted({line for line in excuses if line not in unneeded}), []
        EXCUSED.write_text("".join(f"{line}\n" for line in excuses), "utf-8")
    for finding in wrong:
        sys.stdout.write(f"{finding}\n")
    for line in unneeded:
        place = f"{EXCUSED.relative_to(ROOT)}:{excuses.index(line) + 1}"
        sys.stdout.write(f"{place}: no longer needed: {line}. Run `python -m tests.house_rules --shrink`.\n")
    sys.stdout.write(f"{len(wrong)} broken rules; {len(excuses) - len(unneeded)} excuses left\n")
    return 1 if wrong or unneeded else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

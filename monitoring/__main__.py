"""`python -m monitoring`: write the PrometheusRule from rules.yaml; with `--check`, fail where it is out of date."""

import sys
from collections.abc import Sequence
from pathlib import Path

from monitoring.rules import RENDERED, render


def main(arguments: Sequence[str]) -> int:
    """Write or check the file, and return the exit code."""
    text = render()
    if "--check" not in arguments:
        RENDERED.write_text(text, "utf-8")
    elif not RENDERED.is_file() or RENDERED.read_text("utf-8") != text:
        sys.stderr.write(f"Out of date: {RENDERED.relative_to(Path.cwd())}. Run `make render`.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m monitoring`: write the PrometheusRule and the dashboards; with `--check`, fail if one is out of date."""

import sys
from collections.abc import Sequence
from pathlib import Path

from monitoring.dashboards import render_dashboards
from monitoring.rules import RENDERED, render


def main(arguments: Sequence[str]) -> int:
    """Write or check the files, and return the exit code."""
    files = {RENDERED: render(), **render_dashboards()}
    if "--check" not in arguments:
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        return 0
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        sys.stderr.write(f"Out of date: {path.relative_to(Path.cwd())}. Run `make render`.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

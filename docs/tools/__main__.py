"""`python -m docs.tools`: write the reference pages; with `--check`, fail where a committed page differs."""

import sys
from collections.abc import Sequence
from pathlib import Path

from docs.tools import commands, errors, http_api, metrics, repository_file, settings

FOLDER = Path(__file__).resolve().parents[1] / "reference"
PAGES = {
    "commands.md": commands.render,
    "settings.md": settings.render,
    "repository-file.md": repository_file.render,
    "http.md": http_api.render,
    "metrics.md": metrics.render,
    "exit-codes.md": errors.render,
}


def main(arguments: Sequence[str]) -> int:
    """Write or check the pages, and return the exit code."""
    stale = [name for name, render in PAGES.items() if not _is_current(FOLDER / name, render())]
    if "--check" not in arguments:
        for name in stale:
            (FOLDER / name).write_text(PAGES[name](), "utf-8")
        stale = []
    for name in stale:
        sys.stderr.write(f"docs/reference/{name}:1: differs from the code. Run `make reference`.\n")
    return 1 if stale else 0


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

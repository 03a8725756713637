"""Renders the workflows' YAML: `python -m workflows render`; `--check` only reports differences."""

import argparse
import sys

from workflows import render


def main(arguments: list[str] | None = None) -> int:
    """Write every generated file, or with `--check` list those that are out of date.

    Returns:
        The exit code: 1 if `--check` finds a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m workflows", description=__doc__)
    command = parser.add_subparsers(required=True, metavar="COMMAND").add_parser("render", help="write the YAML")
    command.add_argument("--check", action="store_true", help="only report differences")
    if not parser.parse_args(arguments).check:
        render.write_files()
    elif stale := render.find_stale_files():
        sys.stdout.write(f"Out of date: {', '.join(str(path) for path in stale)}. Run `make render`.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

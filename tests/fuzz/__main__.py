"""Fuzz guided by coverage: `python -m tests.fuzz -max_total_time=900`; options are those of libFuzzer."""

import json
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Fuzz until the time is up; an input that fails is written to a file, and the exit code is not 0."""
    try:
        import atheris
    except ModuleNotFoundError:
        print("atheris is not available for this system and Python; nothing was fuzzed.")  # noqa: T201
        return
    with atheris.instrument_imports(include=["steps"]):
        from tests.fuzz.targets import VALID, check_all
    with tempfile.TemporaryDirectory() as corpus:
        for number, body in enumerate(VALID):
            Path(corpus, str(number)).write_text(json.dumps(body))
        atheris.Setup([*sys.argv, corpus], check_all)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

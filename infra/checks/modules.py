"""`validate` and `test` of each root, with fake providers; and what they complain of."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.checks import fake_provider, program

STATE_IS_LEFT_OUT = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__")


def check(infra: Path) -> Iterator[str]:
    """Yield what is wrong with each root: what `validate` refuses, and the tests that fail in an environment.

    The roots are copied first, because `test` leaves its state behind when it can't clean up.
    """
    with TemporaryDirectory() as name, fake_provider.serve_all(Path(name)) as environ:
        copy = shutil.copytree(infra, Path(name) / "infra", ignore=STATE_IS_LEFT_OUT)
        for root in find_roots(copy):
            yield from _check_root(root, environ)


def find_roots(infra: Path) -> list[Path]:
    """Return the folders that have environments."""
    return sorted(path.parent for path in infra.glob("*/environments"))


def _check_root(root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    prepared = program.run(root, "init", "-backend=false", "-input=false", environ=environ)
    if prepared.returncode:
        yield f"{root.name}: init: {_join(prepared.stderr)}"
        return
    validated = json.loads(program.run(root, "validate", "-json", environ=environ).stdout)
    for each in validated["diagnostics"]:
        place = each.get("range", {})
        yield f"{root.name}/{place.get('filename', '')}: validate: {each['summary']}. {_join(each.get('detail', ''))}"
    if not validated["diagnostics"]:
        for variables in sorted((root / "environments").glob("*.tfvars")):
            yield from _test(root, variables, environ)


def _test(root: Path, variables: Path, environ: Mapping[str, str]) -> Iterator[str]:
    done = program.run(root, "test", f"-var-file=environments/{variables.name}", environ=environ)
    where = f"{root.name}: test of {variables.stem}"
    if done.returncode:
        failed = ", ".join(re.findall(r'run "(\w+)"\.\.\. fail', done.stdout))
        yield f"{where}: {failed}: {_join(done.stderr)}"
    elif ", 0 failed" not in done.stdout or " 0 passed" in done.stdout:
        yield f"{where}: nothing was tested"


def _join(text: str) -> str:
    """Return all of it on one line."""
    return " ".join(text.split())

"""The code in a Bento: all that the service imports of ours, and nothing that it has no packages for."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from steps.common.closure import find_sources
from steps.register import package
from tests.support.command_line import ROOT

LOCKED = ROOT / package.SERVE / "requirements.txt"
NEVER_OPENED = {"boto3", "botocore"}
"""The store's own; a dataset's reader names the store, and the service reads no dataset."""
TRAINING = {"hera", "keras", "mlflow", "pandas", "pyod", "pyspark", "scipy", "sklearn", "tensorflow", "tf2onnx"}


def files(root: Path, **sources: str) -> Path:
    """Write modules of a package `steps`; two underscores stand for a dot."""
    for name, source in sources.items():
        path = (root / "steps" / name.replace("__", "/")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    for folder in {path.parent for path in root.rglob("*.py")}:
        (folder / "__init__.py").touch()
    return root


def names(root: Path, *modules: str) -> set[str]:
    """The files found, without the packages' own."""
    return {path.stem for path in find_sources(root, modules)} - {"__init__"}


def outside(path: Path) -> set[str]:
    """The packages of others that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"steps"}


def test_imports_are_followed_anywhere_in_a_file(tmp_path: Path) -> None:
    """At the top, in a function, of a module, of something in it, one after another."""
    root = files(
        tmp_path,
        entry="import steps.one\nfrom steps.two import name\ndef later():\n    from steps.deep import three\n",
        one="",
        two="from steps import four\nname = 1",
        deep__three="",
        four="",
        other="",
    )
    assert names(root, "steps.entry") == {"entry", "one", "two", "three", "four"}


def test_packages_come_with_their_modules(tmp_path: Path) -> None:
    """And with all that they import themselves."""
    root = files(tmp_path, entry="import steps.deep.three", deep__three="", one="")
    (root / "steps" / "deep" / "__init__.py").write_text("import steps.one")
    found = {path.relative_to(root).as_posix() for path in find_sources(root, ["steps.entry"])}
    assert {"steps/__init__.py", "steps/deep/__init__.py", "steps/one.py"} <= found


def test_imports_for_type_checking_only_are_left_out(tmp_path: Path) -> None:
    """It would bring half of training along."""
    root = files(
        tmp_path,
        entry="if TYPE_CHECKING:\n    import steps.one\nelse:\n    import steps.two\n",
        one="",
        two="",
    )
    assert names(root, "steps.entry") == {"entry", "two"}


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    """A misspelt entry is not an empty Bento."""
    with pytest.raises(FileNotFoundError, match=r"steps\.nothing"):
        find_sources(files(tmp_path, entry=""), ["steps.nothing"])


def test_the_services_code_holds_no_contract_of_a_step() -> None:
    """Nor tests, nor what writes datasets, trains or registers."""
    found = {path.relative_to(ROOT).as_posix() for path in package.list_files()}
    assert {"steps/serve/service.py", "steps/serve/bento_worker.py", "steps/serve/page/index.html"} <= found
    assert {"steps/scoring/model.py", "steps/scoring/history.py", "steps/serve/requirements.txt"} <= found
    assert not [name for name in found if name.endswith("/step.py") or name.startswith(("steps/register", "tests"))]


def test_every_package_that_the_code_imports_is_locked_with_it() -> None:
    """So the image, which installs those and nothing else, lacks none."""
    locked = set(re.findall(r"(?m)^([a-z0-9-]+)==", LOCKED.read_text()))
    imported = set().union(*(outside(path) for path in package.list_files() if path.suffix == ".py"))
    assert not imported & TRAINING
    distributions = packages_distributions()
    for name in imported - NEVER_OPENED:
        known = {re.sub(r"[_.]", "-", one).lower() for one in distributions[name]}
        assert known & locked, name

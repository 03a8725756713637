"""Stages whose images are out of date, by a fingerprint of their code, packages and Dockerfile instructions.

A stage is a target of `steps/Dockerfile` that yields an image, or the service, whose image is built from its Bento. Its
fingerprint is a hash of everything that goes into the image; if it differs between two trees, the image must be built.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from steps.common.closure import find_sources
from steps.common.errors import ConfigurationError, DataError
from steps.packaging.archive import ENTRY_POINTS

RECIPE = Path("steps", "Dockerfile")
SERVE = "serve"
SERVE_FILES = (Path("steps", "serve", "bento.Dockerfile"), Path("steps", "serve", "requirements.txt"))
TARGET = re.compile(r"^FROM (?P<base>\S+) AS (?P<name>\S+)$", re.MULTILINE)
CODE = re.compile(r"-m steps\.packaging\.code \S+ ([\w. ]+)")
COPIED = re.compile(r"^COPY (?!--)(.+)$", re.MULTILINE)
PACKAGES = re.compile(r"\./packages\.sh (\w+)")
WHOLE = {"steps", "rollouts", "samples"}
"""Folders that are copied only to take the import closure of some modules from them."""
LOCKED = {"pyproject.toml", "uv.lock"}
"""Files of which only the locked packages of a stage's group count."""


def stages(root: Path) -> list[str]:
    """Return the names of all stages."""
    found = _split_targets((root / RECIPE).read_text("utf-8"))
    return [*(name for name, text in found.items() if re.search(r"^(CMD|ENTRYPOINT) ", text, re.MULTILINE)), SERVE]


def find_changed(before: Path, after: Path) -> list[str]:
    """Return the stages of `after` whose images differ from those of `before`; both are trees of this repository.

    Raises:
        ConfigurationError: uv is not installed.
        DataError: a tree can't be read.
    """
    known = set(stages(before))
    return [
        name for name in stages(after) if name not in known or fingerprint(before, name) != fingerprint(after, name)
    ]


def fingerprint(root: Path, stage: str) -> str:
    """Return the SHA-256 of everything that goes into a stage's image.

    Raises:
        ConfigurationError: uv is not installed.
        DataError: the tree lacks a file that the stage names.
    """
    recipe = "" if stage == SERVE else find_recipe((root / RECIPE).read_text("utf-8"), stage)
    group = SERVE if stage == SERVE else _find_only(PACKAGES, recipe)
    digest = hashlib.sha256(f"{recipe}\n{export_locked(root, group)}".encode())
    for path in files(root, stage, recipe):
        digest.update(f"{path}\n".encode() + hashlib.sha256((root / path).read_bytes()).digest())
    return digest.hexdigest()


def files(root: Path, stage: str, recipe: str) -> list[Path]:
    """Return the files below `root` in a stage's image: its modules' closure, their data files, and copied files.

    Raises:
        DataError: a file is missing.
    """
    modules = ENTRY_POINTS if stage == SERVE else tuple(" ".join(CODE.findall(recipe)).split())
    if not modules:
        raise DataError(
            f"{RECIPE} puts no code into {stage}.", advice="Run steps.packaging.code there, or fix release/stages.py."
        )
    try:
        code = [path.relative_to(root) for path in find_sources(root, modules)]
    except FileNotFoundError as error:
        raise DataError(str(error), advice=f"Fix {RECIPE}.") from None
    copied = [Path(name) for line in COPIED.findall(recipe) for name in line.split()[:-1] if name not in WHOLE | LOCKED]
    named = copied if stage != SERVE else list(SERVE_FILES)
    if missing := [path for path in named if not (root / path).is_file()]:
        raise DataError(f"{RECIPE} copies {missing[0]}, which does not exist.", advice=f"Fix {RECIPE}.")
    return sorted({*code, *named, *_find_beside(root, code)})


def _find_beside(root: Path, code: list[Path]) -> Iterator[Path]:
    """Yield the data files in the modules' packages: YAML, pages, lists."""
    for folder in {path.parent for path in code} - {Path(name) for name in WHOLE}:
        for path in (root / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                yield path.relative_to(root)


def find_recipe(text: str, stage: str) -> str:
    """Return the instructions that a target is built by: its own, and those of the targets that it builds on."""
    targets = _split_targets(text)
    if stage not in targets:
        raise DataError(f"{RECIPE} has no target {stage}.", advice=f"Its targets: {', '.join(targets)}.")
    found: dict[str, str] = {"": _strip_comments(text[: _first_target(text)])}
    waiting = [stage]
    while waiting:
        name = waiting.pop()
        if name in targets and name not in found:
            found[name] = targets[name]
            waiting += [*re.findall(r"^FROM (\S+)", targets[name]), *re.findall(r"--from=(\S+)", targets[name])]
    return "".join(found[name] for name in sorted(found))


def _split_targets(text: str) -> dict[str, str]:
    starts = [*TARGET.finditer(text)]
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return {match["name"]: _strip_comments(text[match.start() : end]) for match, end in zip(starts, ends, strict=True)}


def _strip_comments(text: str) -> str:
    """Remove comments and put each instruction on one line."""
    return re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ")


def _first_target(text: str) -> int:
    match = TARGET.search(text)
    return match.start() if match else len(text)


def _find_only(pattern: re.Pattern[str], recipe: str) -> str:
    found = set(pattern.findall(recipe))
    if len(found) != 1:
        raise DataError(f"{RECIPE} installs {len(found)} package groups for one image.", advice="Use exactly one.")
    return str(found.pop())


def export_locked(root: Path, group: str) -> str:
    """Return the locked packages of a group: names, versions and hashes.

    Raises:
        ConfigurationError: uv is not installed.
        DataError: the tree has no such group, or no matching lock file.
    """
    own = Path(__file__).resolve().parents[1] / ".tools" / "uv" / "bin" / "uv"
    uv = str(own) if own.is_file() else shutil.which("uv")
    if uv is None:
        raise ConfigurationError("uv is not installed.", advice="Run `make` first.")
    try:
        files = tuple((name, (root / name).read_text("utf-8")) for name in sorted(LOCKED))
    except FileNotFoundError as error:
        raise DataError(f"uv.lock can't be read for {group}: {error}", advice="Run `make lock`.") from None
    return _export(uv, group, files)


@cache
def _export(uv: str, group: str, files: tuple[tuple[str, str], ...]) -> str:
    """Export a group from these files by name; the same ones are exported once."""
    command = [uv, "export", "--quiet", "--frozen", "--no-header", "--no-annotate", "--offline", "--only-group", group]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files:
            Path(folder, name).write_text(text, "utf-8")
        done = subprocess.run([*command, "--project", folder], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DataError(f"uv.lock can't be read for {group}: {done.stderr.strip()}", advice="Run `make lock`.")
    return done.stdout

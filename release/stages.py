"""Which stages' images are no longer what their files make: by their code, their packages and their recipe.

A stage is a target of `steps/Dockerfile` that gives an image, or the service, whose image is made of its Bento. Its
fingerprint is a hash of whatever goes into the image; where it differs between two trees, the image has to be built.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from steps.common.closure import find_sources
from steps.common.errors import ConfigurationError, DataError
from steps.register.package import ENTRY_POINTS

RECIPE = Path("steps", "Dockerfile")
SERVE = "serve"
SERVE_FILES = (Path("steps", "serve", "bento.Dockerfile"), Path("steps", "serve", "requirements.txt"))
TARGET = re.compile(r"^FROM (?P<base>\S+) AS (?P<name>\S+)$", re.MULTILINE)
CODE = re.compile(r"-m steps\.packaging\.code \S+ ([\w. ]+)")
COPIED = re.compile(r"^COPY (?!--)(.+)$", re.MULTILINE)
PACKAGES = re.compile(r"\./packages\.sh (\w+)")
WHOLE = {"steps", "rollouts", "samples"}
"""Folders that are copied to take the closure of some modules from them."""
LOCKED = {"pyproject.toml", "uv.lock"}
"""What counts of these is what the lock file gives a stage's group."""


def stages(root: Path) -> list[str]:
    """The names of all stages."""
    found = _targets((root / RECIPE).read_text("utf-8"))
    return [*(name for name, text in found.items() if re.search(r"^(CMD|ENTRYPOINT) ", text, re.MULTILINE)), SERVE]


def changed(before: Path, after: Path) -> list[str]:
    """The stages of `after` whose images differ from what `before` made; both are trees of this repository.

    Raises:
        ConfigurationError: there is no uv.
        DataError: a tree can't be read.
    """
    known = set(stages(before))
    return [
        name for name in stages(after) if name not in known or fingerprint(before, name) != fingerprint(after, name)
    ]


def fingerprint(root: Path, stage: str) -> str:
    """The SHA-256 of whatever goes into a stage's image.

    Raises:
        ConfigurationError: there is no uv.
        DataError: the tree lacks something that the stage names.
    """
    recipe = "" if stage == SERVE else recipe_of((root / RECIPE).read_text("utf-8"), stage)
    group = SERVE if stage == SERVE else _only(PACKAGES, recipe)
    digest = hashlib.sha256(f"{recipe}\n{locked(root, group)}".encode())
    for path in files(root, stage, recipe):
        digest.update(f"{path}\n".encode() + hashlib.sha256((root / path).read_bytes()).digest())
    return digest.hexdigest()


def files(root: Path, stage: str, recipe: str) -> list[Path]:
    """The files below `root` that go into a stage's image: its modules' closure, what lies beside them, what is copied.

    Raises:
        DataError: one of them isn't there.
    """
    modules = ENTRY_POINTS if stage == SERVE else tuple(" ".join(CODE.findall(recipe)).split())
    if not modules:
        raise DataError(
            f"{RECIPE} puts no code into {stage}.", advice="Let it run steps.packaging.code, or mend release/stages."
        )
    try:
        code = [path.relative_to(root) for path in find_sources(root, modules)]
    except FileNotFoundError as error:
        raise DataError(str(error), advice=f"Mend {RECIPE}.") from None
    copied = [Path(name) for line in COPIED.findall(recipe) for name in line.split()[:-1] if name not in WHOLE | LOCKED]
    named = copied if stage != SERVE else list(SERVE_FILES)
    if missing := [path for path in named if not (root / path).is_file()]:
        raise DataError(f"{RECIPE} copies {missing[0]}, which isn't there.", advice="Mend it.")
    return sorted({*code, *named, *_beside(root, code)})


def _beside(root: Path, code: list[Path]) -> Iterator[Path]:
    """What is no code in the modules' own packages, but for the whole project's: YAML, pages, lists."""
    for folder in {path.parent for path in code} - {Path(name) for name in WHOLE}:
        for path in (root / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                yield path.relative_to(root)


def recipe_of(text: str, stage: str) -> str:
    """The parts of a Dockerfile that a target is made by: its own, and those of the targets that it builds on."""
    targets = _targets(text)
    if stage not in targets:
        raise DataError(f"{RECIPE} has no target {stage}.", advice=f"It has: {', '.join(targets)}.")
    found: dict[str, str] = {"": _bare(text[: _first(text)])}
    waiting = [stage]
    while waiting:
        name = waiting.pop()
        if name in targets and name not in found:
            found[name] = targets[name]
            waiting += [*re.findall(r"^FROM (\S+)", targets[name]), *re.findall(r"--from=(\S+)", targets[name])]
    return "".join(found[name] for name in sorted(found))


def _targets(text: str) -> dict[str, str]:
    starts = [*TARGET.finditer(text)]
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return {match["name"]: _bare(text[match.start() : end]) for match, end in zip(starts, ends, strict=True)}


def _bare(text: str) -> str:
    """Without comments, which make no image, and with each instruction on one line."""
    return re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ")


def _first(text: str) -> int:
    match = TARGET.search(text)
    return match.start() if match else len(text)


def _only(pattern: re.Pattern[str], recipe: str) -> str:
    found = set(pattern.findall(recipe))
    if len(found) != 1:
        raise DataError(f"{RECIPE} installs {len(found)} groups of packages for one image.", advice="Let it be one.")
    return str(found.pop())


def locked(root: Path, group: str) -> str:
    """What the lock file gives a group: names, versions and hashes.

    Raises:
        ConfigurationError: there is no uv.
        DataError: the tree has no such group, or no lock file that fits.
    """
    own = Path(__file__).resolve().parents[1] / ".tools" / "uv" / "bin" / "uv"
    uv = str(own) if own.is_file() else shutil.which("uv")
    if uv is None:
        raise ConfigurationError("There is no uv.", advice="Run make first.")
    command = [uv, "export", "--quiet", "--frozen", "--no-header", "--no-annotate", "--offline", "--only-group", group]
    done = subprocess.run([*command, "--project", str(root)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DataError(f"uv.lock can't be read for {group}: {done.stderr.strip()}", advice="Run: make lock")
    return done.stdout

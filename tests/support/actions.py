"""Jobs of GitHub Actions, run as GitHub would: conditions, environments, and every `run:` block by its shell.

What an action from the marketplace does is not run: its inputs are noted, and `STAND_INS` or the test has the outputs
that a job needs of it. So these are not tested here: the login to a registry, the build, the keyless signature's
certificate, the attestation, and the installation of programs.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.clones import commit_all
from tests.support.interpreters import link_uv

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
SETUP = re.compile(r"make( \.venv/\.[a-z]+)?")
TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>==|!=|&&|\|\||[!(),]))")
WORDS = {"&&": " and ", "||": " or ", "!": " not "}
FUNCTIONS = {"startsWith": lambda text, start: str(text).lower().startswith(str(start).lower())}
STAND_INS: dict[str, dict[str, str]] = {"actions/create-github-app-token": {"token": "the-token-of-the-app"}}
Contexts = dict[str, Any]


class Result(NamedTuple):
    """How a job ended (`success`, `failure` or `skipped`), what its commands printed, and the inputs of its actions."""

    conclusion: str
    output: str
    actions: dict[str, dict[str, str]]


def read(name: str) -> dict[Any, Any]:
    """A workflow; YAML takes its key `on` for a truth."""
    return dict(yaml.safe_load((WORKFLOWS / name).read_text("utf-8")))


def evaluate(expression: str, contexts: Contexts) -> Any:
    """The value of an expression; what a context lacks is nothing, as on GitHub."""
    words, place = "", 0
    expression = expression.strip()
    while place < len(expression):
        match = TOKEN.match(expression, place)
        assert match, expression[place:]
        place = match.end()
        if name := match["name"]:
            words += f"call({name!r})" if name in FUNCTIONS else f"look({name!r})"
        else:
            words += match["text"] or WORDS.get(match["sign"], match["sign"])
    found = {"look": lambda name: look(name, contexts), "call": FUNCTIONS.__getitem__, "__builtins__": {}}
    return eval(words.strip(), found)  # noqa: S307  the repository's own files


def look(name: str, contexts: Contexts) -> Any:
    """What a dotted name stands for."""
    found: Any = contexts
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return "" if found is None else found


def expand(text: object, contexts: Contexts) -> str:
    """A text with its expressions replaced."""
    return EXPRESSION.sub(lambda match: str(evaluate(match[1], contexts)), str(text))


def holds(condition: object, contexts: Contexts) -> bool:
    """Return whether an `if` lets a job or a step run."""
    return bool(evaluate(str(condition).removeprefix("${{").removesuffix("}}"), contexts)) if condition else True


def run_job(
    job: dict[str, Any],
    contexts: Contexts,
    folder: Path,
    environment: Mapping[str, str],
    only: str = "",
    outputs_of: Mapping[str, dict[str, str]] = STAND_INS,
) -> Result:
    """Run a job's steps in a folder until one fails, or only the one with this id; a folder with packages is set up."""
    if not holds(job.get("if"), contexts):
        return Result("skipped", "", {})
    is_ready = (folder / ".venv").exists()
    temporary = folder.parent / "runner"
    temporary.mkdir(exist_ok=True)
    contexts = contexts | {"runner": {"temp": str(temporary)}, "steps": {}}
    own = {"RUNNER_TEMP": str(temporary), "GITHUB_OUTPUT": str(temporary / "output"), **environment}
    contexts["env"] = {name: expand(value, contexts) for name, value in job.get("env", {}).items()}
    own |= contexts["env"]
    said, used = "", {}
    for step in job["steps"]:
        if (only and step.get("id") != only) or not holds(step.get("if"), contexts):
            continue
        action = str(step.get("uses", "")).partition("@")[0]
        outputs = outputs_of.get(action, {})
        if action:
            used[action] = {name: expand(value, contexts) for name, value in step.get("with", {}).items()}
        elif not (is_ready and SETUP.fullmatch(step["run"])):
            given = own | {name: expand(value, contexts) for name, value in step.get("env", {}).items()}
            (temporary / "output").write_text("")
            command = ["bash", "--noprofile", "--norc", "-e", "-c", step["run"]]
            done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
            said += done.stdout + done.stderr
            if done.returncode:
                return Result("failure", said, used)
            lines = (temporary / "output").read_text().splitlines()
            outputs = dict(line.split("=", 1) for line in lines)
        if "id" in step:
            contexts["steps"][step["id"]] = {"outputs": outputs}
    return Result("success", said, used)


def project(folder: Path, *, is_ready: bool = False) -> Path:
    """A folder as a checkout leaves it, with uv; without any packages, or with those of this machine."""
    for name in ("Makefile", "pyproject.toml", "uv.lock", "release", "rollouts", "steps", "gitops", "samples"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / ".gitignore", folder)
    (folder / ".ci").mkdir()
    link_uv(folder)
    if is_ready:
        (folder / ".venv").symlink_to(sys.prefix)
    # Older than uv, which make then takes as it is.
    shutil.copy(ROOT / ".ci" / "uv.txt", folder / ".ci")
    os.utime(folder / ".ci" / "uv.txt", (0, 0))
    commit_all(folder)
    return folder

"""All checks of infra/ in one run: each problem is a line, and what could not run is named."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.checks import hcl, modules, names, policies, program

INFRA = Path(__file__).parents[1]
GITOPS = INFRA.parent / "gitops"
CONSTRAINT = re.compile(r"~> (\d+)\.(\d+)")


def check(infra: Path = INFRA, gitops: Path = GITOPS) -> int:
    """Print all problems and what was not checked; return 1 if there is a problem, else 0."""
    blocks = hcl.read(infra)
    problems, missing = [*find_problems(blocks), *policies.check_manifests(gitops)], []
    if program.find():
        problems += [*check_format(infra), *modules.check(infra)]
    else:
        missing.append("Not checked: format, types and tests. Neither tofu nor terraform is on the PATH.")
    if linter := shutil.which("tflint"):
        problems += check_lint(infra, linter)
    else:
        missing.append("Not checked: rules of the language. tflint is not on the PATH.")
    summary = f"{len(blocks)} blocks, {len(problems)} problems."
    sys.stdout.write("".join(f"{line}\n" for line in [*problems, *missing, summary]))
    return 1 if problems else 0


def find_problems(blocks: list[hcl.Block]) -> Iterator[str]:
    """Yield every problem of the modules that needs no program: names, versions and rules."""
    types, versions = names.load()
    if not blocks:
        yield "there is nothing to check"
    yield from names.check(blocks, types)
    yield from check_versions(blocks, versions)
    yield from policies.check(blocks)


def check_versions(blocks: list[hcl.Block], versions: dict[str, str]) -> Iterator[str]:
    """Yield the providers whose constraint is not the version that the names were read from."""
    for block in blocks:
        for required in hcl.nested(block.body, "required_providers") if block.kind == "terraform" else ():
            for provider, about in required.items():
                if provider in versions and isinstance(about, dict):
                    constraint = str(hcl.unquote(about.get("version")))
                    match = CONSTRAINT.fullmatch(constraint)
                    if not match or list(match.groups()) != versions[provider].split(".")[:2]:
                        yield f"{block.path}: {provider} is {constraint}; the names are those of {versions[provider]}"


def check_format(infra: Path) -> list[str]:
    """Return the files that are not formatted."""
    done = program.run(infra, "fmt", "-check", "-recursive", "-list=true")
    unformatted = [
        f"{line}: format: run {program.get_name()} fmt"
        for line in done.stdout.split("\n")
        if line.endswith((".tf", ".tfvars", ".hcl"))
    ]
    return unformatted or ([f"format: {done.stderr.strip()}"] if done.returncode else [])


def check_lint(infra: Path, linter: str) -> list[str]:
    """Return what tflint complains of."""
    settings = [f"--chdir={infra}", "--recursive", f"--config={infra.resolve() / '.tflint.hcl'}", "--format=compact"]
    done = subprocess.run([linter, *settings], capture_output=True, text=True, check=False)  # noqa: S603
    return [f"lint: {line}" for line in (done.stdout + done.stderr).splitlines() if line] if done.returncode else []


def list_types(infra: Path = INFRA) -> set[str]:
    """Return the types that the modules use."""
    kinds = {"resource", "data"}
    return {block.type for block in hcl.read(infra) if block.kind in kinds} - names.BUILT_IN

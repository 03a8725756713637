"""All checks of infra/ in one run: each problem is a line, and what could not run is named."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.checks import hcl, names, policies, program

INFRA = Path(__file__).parents[1]
GITOPS = INFRA.parent / "gitops"
NEEDS_PROVIDERS = "validate and test, which need the providers"
CONSTRAINT = re.compile(r"~> (\d+)\.(\d+)")


def check(infra: Path = INFRA, gitops: Path = GITOPS) -> int:
    """Print all problems and what was not checked; return 1 if there is a problem, else 0."""
    problems = list(find_problems(infra, gitops))
    problems += check_format(infra) if program.find() else []
    lines = [
        *problems,
        *([] if program.find() else ["Not checked: format. Neither tofu nor terraform is on the PATH."]),
    ]
    lines.append(f"{len(hcl.read(infra))} blocks, {len(problems)} problems. Not checked: {NEEDS_PROVIDERS}.")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if problems else 0


def find_problems(infra: Path, gitops: Path) -> Iterator[str]:
    """Yield every problem that needs no program: names, versions and rules."""
    blocks = hcl.read(infra)
    types, versions = names.load()
    if not blocks:
        yield f"{infra}: there is nothing to check"
    yield from names.check(blocks, types)
    yield from check_versions(blocks, versions)
    yield from policies.check(blocks)
    yield from policies.check_manifests(gitops)


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


def list_types(infra: Path = INFRA) -> set[str]:
    """Return the types that the modules use."""
    kinds = {"resource", "data"}
    return {block.type for block in hcl.read(infra) if block.kind in kinds} - names.BUILT_IN

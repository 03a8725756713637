"""The workflows of GitHub Actions: whom they trust, what they may do, and that what they call is there."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from steps.register import image

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
GRANT = re.compile(r"^ +(?!permission-)[a-z-]+: (?:read|write)(?P<reason> # \S.*)?$")


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML takes its key `on` for a truth."""
    return dict(yaml.safe_load(path.read_text("utf-8")))


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    """What starts a workflow."""
    return dict(workflow[True])


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    """A tag can be moved; our own workflows come from the commit that runs."""
    used = [
        line.strip().removeprefix("- ") for line in path.read_text().splitlines() if re.search(r"^\s*-? *uses:", line)
    ]
    assert used
    assert [line for line in used if not line.startswith("uses: ./") and not PINNED.search(line)] == []


def test_an_action_has_one_commit_everywhere() -> None:
    """So that a new version is taken in all places."""
    used = {
        line.strip("- ")
        for path in WORKFLOWS
        for line in path.read_text().splitlines()
        if "@" in line and "uses:" in line
    }
    names = [line.partition("@")[0] for line in used]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_granted_but_by_job_and_for_a_reason(path: Path) -> None:
    """Each grant's line says what for."""
    workflow = read(path)
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())
    grants = [match for line in path.read_text().splitlines() if (match := GRANT.match(line))]
    assert sum(len(job["permissions"]) for job in workflow["jobs"].values()) == len(grants)
    assert all(match["reason"] for match in grants)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_credentials_are_left_in_a_clone_and_no_expression_in_a_script(path: Path) -> None:
    """What others write, such as a branch's name, reaches a shell only as a variable."""
    for step in steps(path):
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_make_and_unquoted_words_get_no_value_of_a_variable(path: Path) -> None:
    """Make would expand it, and a shell split it: values reach make through its environment."""
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert [line for text in scripts for line in text.splitlines() if re.search(r"\bmake\b.*\w=\S*\$", line)] == []
    assert [text for text in scripts if re.search(r"(?<!\S)\$\{?[A-Z_]+\b\}?(?!\S)", text)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_ends_and_every_workflow_waits_for_itself(path: Path) -> None:
    """No run goes on for hours, and two don't write at once."""
    workflow = read(path)
    own = [job for job in workflow["jobs"].values() if "uses" not in job]
    assert all("timeout-minutes" in job for job in own)
    assert not own or "concurrency" in workflow


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_targets_that_are_called_are_there(path: Path) -> None:
    """A step runs what a person can run."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {
        word
        for step in steps(path)
        for line in re.findall(r"\bmake ([a-z -]+)", step.get("run", ""))
        for word in line.split()
        if not word.startswith("-")
    }
    assert called <= targets


def test_only_jobs_that_test_everything_install_everything() -> None:
    """It is 3 GB; all others install a group of pyproject.toml, or nothing."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    needing = {"", *re.findall(r"(?m)^([a-z-]+):[^#\n]*\$\(READY\)", makefile)}
    found = {
        f"{path.stem}: {name}"
        for path in WORKFLOWS
        for name, job in read(path)["jobs"].items()
        for step in job.get("steps", [])
        for line in re.findall(r"(?m)^\s*make\b(.*)$", step.get("run", ""))
        if needing & set(line.split() or [""])
    }
    assert found == {
        *(f"ci: {name}" for name in ("test", "mutants", "containers")),
        *(f"nightly: {name}" for name in ("slow", "pythons", "drills", "fuzz", "mutants", "shuffled")),
        "nightly: audit",  # reads the licences of all that is installed
        "stage: test",
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_job_installs_is_a_group(path: Path) -> None:
    """The Makefile has a rule for it, and pyproject.toml the packages."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    (rule,) = re.findall(r"(?m)^(\.venv/\.[a-z]+(?: \.venv/\.[a-z]+)*): \.venv/\.%:", (ROOT / "Makefile").read_text())
    for step in steps(path):
        for name in re.findall(r"\bmake (\.venv/\.\S+)", step.get("run", "")):
            assert name in rule.split()
            assert name.removeprefix(".venv/.") in groups


def test_every_image_is_built_by_one_stage() -> None:
    """And each stage has its workflow."""
    from release.images import IMAGES

    built = [
        name
        for path in WORKFLOWS
        for job in read(path)["jobs"].values()
        if "uses" in job
        for name in job["with"]["images"].split()
    ]
    assert sorted(f"pr-sentinel/{name}" for name in built) == sorted(IMAGES)


def test_what_starts_no_build_is_in_no_image() -> None:
    """A push of it alone builds nothing, and both workflows ignore the same."""
    from release import stages

    ignored = {
        tuple(triggers(workflow)["push"]["paths-ignore"])
        for workflow in map(read, WORKFLOWS)
        if any("images" in job.get("with", {}) for job in workflow["jobs"].values())
    }
    assert len(ignored) == 1
    patterns = [pattern.replace("**", "*") for pattern in ignored.pop()]
    recipe = (ROOT / stages.RECIPE).read_text("utf-8")
    for stage in stages.stages(ROOT):
        used = stages.files(ROOT, stage, "" if stage == stages.SERVE else stages.find_recipe(recipe, stage))
        assert [path for path in used for pattern in patterns if fnmatch(str(path), pattern)] == []


def test_a_pull_request_of_others_gets_no_secret_and_writes_nothing() -> None:
    """Jobs of pull requests that see a secret, or may write, ask where it comes from."""
    for path in WORKFLOWS:
        workflow = read(path)
        if "pull_request" not in triggers(workflow):
            continue
        for job in workflow["jobs"].values():
            risky = "secrets." in yaml.safe_dump(job) or "write" in job["permissions"].values()
            inside = "github.event.pull_request.head.repo.full_name == github.repository" in job.get("if", "")
            assert not risky or inside or job["if"] == "github.event_name == 'workflow_dispatch'"


def test_what_runs_on_a_pull_request_with_secrets_is_main_s_and_always_runs() -> None:
    """The required check: neither its file nor any that it runs come from the pull request, and it can't be skipped."""
    (path,) = (path for path in WORKFLOWS if "pull_request_target" in triggers(read(path)))
    workflow = read(path)
    assert triggers(workflow).keys() == {"pull_request_target"}
    assert triggers(workflow)["pull_request_target"]["branches"] == ["main"]
    assert {"opened", "reopened", "synchronize", "edited"} == set(triggers(workflow)["pull_request_target"]["types"])
    for job in workflow["jobs"].values():
        assert "if" not in job
        (checkout,) = (step for step in job["steps"] if str(step.get("uses", "")).startswith("actions/checkout@"))
        assert checkout["with"]["ref"] == "main"
        assert "write" not in {value for name, value in job["permissions"].items() if name != "statuses"}


def test_what_a_release_writes_comes_from_the_app_where_there_is_one() -> None:
    """What GITHUB_TOKEN writes starts no checks and reaches no protected branch; the App has no right more."""
    kinds = ("contents", "pull-requests", "statuses")
    writing = set()
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            rights = {kind: job["permissions"][kind] for kind in kinds if kind in job["permissions"]}
            tokens = [
                step["env"]["GITHUB_TOKEN"] for step in job.get("steps", []) if "GITHUB_TOKEN" in step.get("env", {})
            ]
            if not tokens or "write" not in rights.values():
                continue
            (app,) = (step for step in job["steps"] if "create-github-app-token@" in step.get("uses", ""))
            assert (app["id"], app["if"]) == ("app", "vars.RELEASE_APP_ID != ''")
            assert {kind: app["with"][f"permission-{kind}"] for kind in rights} == rights
            assert {name for name in app["with"] if name.startswith("permission-")} <= {
                f"permission-{kind}" for kind in rights
            }
            assert tokens == ["${{ steps.app.outputs.token || github.token }}"]
            writing.add(path.stem)
    assert writing == {"promote", "rollback", "stage", "verify"}


def test_what_decides_has_owners() -> None:
    """The digests and the workflows above all."""
    owned = {line.split()[0] for line in (ROOT / ".github" / "CODEOWNERS").read_text().splitlines() if line[0] != "#"}
    assert owned >= {"/.github/", "/gitops/base/images/", "/rollouts/", "/release/"}


def test_register_asks_for_a_workflow_that_there_is() -> None:
    """One that may be asked for without more ado, and that the branch's own pushes start as well."""
    (path,) = (path for path in WORKFLOWS if path.name == image.WORKFLOW)
    starts = triggers(read(path))
    assert "workflow_dispatch" in starts
    assert not starts["workflow_dispatch"]
    assert starts["push"]["branches"] == [image.BRANCH]

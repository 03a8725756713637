"""The documents agree with the code: commands, links, modules, variables and messages that they name exist."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from docs.tools import commands, errors, settings, site
from docs.tools.__main__ import PAGES, main
from local.__main__ import app

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
HAND_WRITTEN = [
    *ROOT.glob("*.md"),
    *(path for path in (ROOT / "docs").rglob("*.md") if not path.is_relative_to(REFERENCE)),
    *(ROOT / folder / "README.md" for folder in ("benchmarks", "rollouts")),
]
DOCUMENTS = [*HAND_WRITTEN, *REFERENCE.glob("*.md")]
SOURCES = ("Makefile", "*.py", "*.yaml", "*.yml", "Dockerfile", "*.Dockerfile", "*.sh")
OF_OTHERS = {"DEFAULT_REQUEUE_TIME"}
"""Variables of other programs: of Argo's controller."""
VARIABLE = re.compile(r"`(?:export )?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts() -> dict[str, str]:
    """Every document by its path."""
    return {name(path): path.read_text("utf-8") for path in DOCUMENTS}


def test_every_make_target_in_a_document_exists() -> None:
    """In a sentence or in a block of commands."""
    named = {
        target
        for text in texts().values()
        for found in re.findall(r"(?:`|\$ )(?:[A-Z_]+=\S+ )*make ((?:[a-z-]+ ?)+)", text)
        for target in found.split()
    }
    assert {"run", "serve", "test", "lint", "docs"} <= named
    assert named <= set(commands.targets())


def test_every_module_in_a_document_can_be_run() -> None:
    """`python -m module`, and scripts that are run by their path."""
    modules = {found for text in texts().values() for found in re.findall(r"python -m ([\w.]+[\w])", text)}
    scripts = {found for text in texts().values() for found in re.findall(r"python ([\w/]+\.py)", text)}
    assert {"samples.deliver", "release"} <= modules
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
    assert [script for script in scripts if not (ROOT / script).is_file()] == []


def test_every_command_of_the_command_line_in_a_document_exists() -> None:
    """`./pr-sentinel something`."""
    named = {found for text in texts().values() for found in re.findall(r"\./pr-sentinel ([a-z]+)", text)}
    assert "backtest" in named
    assert named <= set(getattr(typer.main.get_command(app), "commands", {}))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_into_the_project_leads_to_a_file_or_folder(path: Path) -> None:
    """Anchors are checked where the site is built."""
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text("utf-8"))
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=name)
def test_every_variable_in_a_document_exists_in_the_code(path: Path) -> None:
    """A setting, a variable of make, or one that a workflow or a manifest sets."""
    kinds = [kind for section in settings.SECTIONS.values() for kind in section]
    declared = {settings.variable(kind, field) for kind in kinds for field in kind.model_fields}
    sources = [path for pattern in SOURCES for path in tracked(pattern) if path.parent != Path(__file__).parent]
    words = {word for source in sources for word in re.findall(r"[A-Z][A-Z0-9_]+", source.read_text("utf-8"))}
    named = set(VARIABLE.findall(path.read_text("utf-8")))
    assert named - declared - words - set(settings.VAULT) - OF_OTHERS == set()


def tracked(pattern: str) -> list[Path]:
    """The files of the project whose names have this form."""
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_every_message_that_troubleshooting_explains_is_in_the_code() -> None:
    """A heading that quotes a message has its fixed parts, in one string of the code or of a tool's output."""
    headings = re.findall(r"^### `(.+)`$", (ROOT / "docs" / "troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    messages = {message.problem for message in errors.collect()}
    elsewhere = {"exceeded quota", "ImagePullBackOff"}
    sources = "\n".join(path.read_text("utf-8") for path in tracked("*.py") if "tests" not in path.parts)
    sources += "".join((ROOT / name).read_text("utf-8") for name in ("Makefile", ".ci/environment"))
    assert len(headings) > 15
    assert [
        (heading, part)
        for heading in sorted(set(headings) - messages - elsewhere)
        for part in (part.strip('":. ') for part in re.split(r"…|: ", heading))
        if part not in sources
    ] == []


def test_the_reference_is_what_the_code_gives(capsys: pytest.CaptureFixture[str]) -> None:
    """`make reference` would change nothing."""
    assert main(["--check"]) == 0, capsys.readouterr().err
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


def test_a_stale_reference_is_named_with_the_command_that_renews_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the check changes nothing."""
    monkeypatch.setattr("docs.tools.__main__.FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert "docs/reference/settings.md:1: differs from the code. Run `make reference`." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_every_setting_describes_itself() -> None:
    """In the field that declares it."""
    kinds = {kind for section in settings.SECTIONS.values() for kind in section}
    fields = {settings.variable(kind, name): field for kind in kinds for name, field in kind.model_fields.items()}
    assert [variable for variable, field in fields.items() if not field.description] == []


def test_every_test_that_the_table_of_gates_names_exists() -> None:
    """`file.py::test`, or parts of names with an ellipsis behind the name of their file."""
    lines = (ROOT / "rollouts" / "README.md").read_text("utf-8").splitlines()
    rows = [line for line in lines if re.match(r"\|.*`test_\w+\.py", line)]
    assert len(rows) > 20
    for row in rows:
        quoted = " ".join(re.findall(r"`([^`]+)`", row.split("|")[-2]))
        files = {found for one in re.findall(r"test_\w+\.py", quoted) for found in (ROOT / "tests").rglob(one)}
        tests = "\n".join(re.findall(r"def (test_\w+)", "".join(path.read_text("utf-8") for path in files)))
        named = re.sub(r"test_\w+\.py(::)?", " ", quoted).replace("…", " ").split()
        assert [part for part in named if part not in tests] == [], row


def test_the_changelog_has_the_version_and_a_place_for_what_comes() -> None:
    """The version of `pyproject.toml`."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert version in headings


def test_every_decision_is_listed_and_short() -> None:
    """In the index, by its number and title."""
    folder = ROOT / "docs" / "adr"
    index = (folder / "index.md").read_text("utf-8")
    for path in folder.glob("0*.md"):
        text = path.read_text("utf-8")
        number, title = re.match(r"# (\d+)\. (.+)", text).groups()  # type: ignore[union-attr]
        assert f"| {number} | [{title}]({path.name}) |" in index
        assert len(text.splitlines()) <= 10


def test_the_readme_is_short() -> None:
    """At most 160 lines; everything else is in docs/."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 160


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_no_mark_of_a_draft_is_left(path: Path) -> None:
    """In no document."""
    assert not re.findall(r"@@|TODO|TBD|FIXME", path.read_text("utf-8"))


def test_the_site_builds_without_a_broken_link_and_asks_no_other_host_for_fonts(tmp_path: Path) -> None:
    """As `make docs` builds it, strictly."""
    command = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PATH": "", "NO_MKDOCS_2_WARNING": "1"}
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert not re.findall(r'<(?:link|script)[^>]+(?:href|src)="(?:https?:)?//(?!github\.com/pr-sentinel)', page)


def rewrite(markdown: str, source: str = "guide.md") -> str:
    """The Markdown of a page after the hook of the site."""
    page = SimpleNamespace(file=SimpleNamespace(src_uri=source))
    return site.on_page_markdown(markdown, page=page, config={"repo_url": "https://forge.example/a/b"})


def test_on_the_site_a_link_out_of_the_docs_leads_to_the_repository() -> None:
    """With its anchor; links between pages stay as they are."""
    assert rewrite("[c](../Makefile#L3)") == "[c](https://forge.example/a/b/blob/main/Makefile#L3)"
    assert rewrite("[c](../../steps)", "adr/0001.md") == "[c](https://forge.example/a/b/blob/main/steps)"
    assert rewrite("[c](../service.md) [d](service.md)", "adr/x.md") == "[c](../service.md) [d](service.md)"


def test_on_the_site_a_link_out_of_the_docs_to_nothing_is_an_error() -> None:
    """So that the build fails."""
    with pytest.raises(FileNotFoundError):
        rewrite("[c](../no-such-file)")

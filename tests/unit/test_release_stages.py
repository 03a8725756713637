"""The images that a change rebuilds: exactly those that it goes into."""

import os
import re
import shutil
from pathlib import Path

import pytest

from release import stages
from release.git import Clone
from steps.common.errors import ConfigurationError, DataError, NotFound

ROOT = Path(__file__).parents[2]
PARTS = ("steps", "rollouts", "samples", "local/services/java.py", ".ci/uv.txt", "pyproject.toml", "uv.lock")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree as it is; nobody changes it."""
    return copied(tmp_path_factory.mktemp("before"))


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """The same, for a change."""
    return copied(tmp_path / "after")


def copied(folder: Path) -> Path:
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    return folder


def every(root: Path) -> set[str]:
    return set(stages.stages(root))


def test_the_same_tree_needs_nothing(before: Path, after: Path) -> None:
    """However old its files are."""
    for path in after.rglob("*.py"):
        path.touch()
    assert stages.find_changed(before, after) == []


@pytest.mark.parametrize(
    ("path", "least", "never"),
    [
        ("steps/fetch/queries.py", {"fetch"}, {"preprocess", "train"}),
        ("steps/fetch/step.py", {"fetch"}, {"preprocess", "train", "serve"}),
        ("steps/preprocess/spark.py", {"preprocess"}, {"fetch", "serve"}),
        ("steps/preprocess/executor.yaml", {"preprocess"}, {"fetch"}),
        ("steps/scoring/features.py", {"preprocess", "register", "serve"}, {"fetch"}),
        ("steps/train/autoencoder.py", {"train"}, {"fetch", "preprocess", "serve"}),
        ("steps/register/gate.py", {"register"}, {"fetch", "preprocess", "train", "serve"}),
        ("steps/serve/page/app.js", {"register", "serve"}, {"fetch", "preprocess", "train"}),
        ("steps/serve/bento.Dockerfile", {"register", "serve"}, {"fetch", "preprocess", "train"}),
        ("steps/serve/requirements.txt", {"register", "serve"}, {"fetch", "preprocess", "train"}),
        ("local/services/java.py", {"preprocess"}, {"fetch", "train", "register", "serve"}),
        ("steps/packaging/packages.sh", {"fetch", "preprocess", "train", "register"}, {"serve"}),
        ("steps/packaging/unused.txt", {"fetch", "preprocess", "train", "register"}, {"serve"}),
        (".ci/uv.txt", {"fetch", "preprocess", "train", "register"}, {"serve"}),
    ],
)
def test_a_change_reaches_the_stages_that_its_file_goes_into(
    path: str, least: set[str], never: set[str], before: Path, after: Path
) -> None:
    """Through every import, and what lies beside the code; others stay as they are."""
    (after / path).open("a").write("\n# changed\n")
    found = set(stages.find_changed(before, after))
    assert least <= found
    assert not never & found


@pytest.mark.parametrize("path", ["steps/common/errors.py", "steps/common/settings.py", "steps/__init__.py"])
def test_what_all_share_reaches_all(path: str, before: Path, after: Path) -> None:
    """An import anywhere is enough."""
    (after / path).open("a").write("\n# changed\n")
    assert set(stages.find_changed(before, after)) == every(after)


def test_a_new_import_reaches_the_stage_that_it_is_in(before: Path, after: Path) -> None:
    """And from then on the file does."""
    (after / "steps/common/new.py").write_text("VALUE = 1\n")
    assert stages.find_changed(before, after) == []
    with (after / "steps/fetch/queries.py").open("a") as file:
        file.write("\nimport steps.common.new\n")
    assert stages.find_changed(before, after) == ["fetch"]


def test_a_group_of_packages_reaches_its_stage(before: Path, after: Path) -> None:
    """By what the lock file gives it; TensorFlow is the training's alone."""
    path = after / "uv.lock"
    text = path.read_text()
    begin = text.index('name = "keras"\n')
    end = text.index("[[package]]", begin)
    path.write_text(text[:begin] + re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", text[begin:end]) + text[end:])
    assert path.read_text() != text
    assert stages.find_changed(before, after) == ["train"]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("Brings one repository's", "Brings a repository's", {"fetch"}),
        ("rm -rf /usr/local/lib/python3*/site-packages/*", "rm -rf /usr/local/lib/python3*/site-packages/*/", None),
        ("# The steps' images, a target each", "# The images of the steps, a target each", set()),
        ("Java wants its user", "Java likes its user", set()),
    ],
)
def test_the_recipe_reaches_what_is_made_by_it(
    old: str, new: str, wanted: set[str] | None, before: Path, after: Path
) -> None:
    """A target's own lines reach it, a shared one's all but the service; comments nobody."""
    path = after / stages.RECIPE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert set(stages.find_changed(before, after)) == (every(after) - {"serve"} if wanted is None else wanted)


def test_a_new_target_is_a_new_stage(before: Path, after: Path) -> None:
    """It has no image yet."""
    path = after / stages.RECIPE
    text = path.read_text()
    begin, end = text.index("FROM uv AS fetch-packages"), text.index("FROM uv AS preprocess-packages")
    copy = text[begin:end].replace("AS fetch", "AS again").replace("FROM fetch", "FROM again")
    path.write_text(text + copy.replace("--from=fetch", "--from=again"))
    assert stages.find_changed(before, after) == ["again"]


def test_what_is_not_there_is_refused(after: Path) -> None:
    """Rather than taken for unchanged."""
    (after / "local/services/java.py").unlink()
    with pytest.raises(DataError, match=r"local/services/java\.py, which does not exist"):
        stages.fingerprint(after, "preprocess")
    (after / "steps/fetch/step.py").unlink()
    with pytest.raises(DataError, match=r"no module steps\.fetch\.step"):
        stages.fingerprint(after, "fetch")
    with pytest.raises(DataError, match="has no target nothing"):
        stages.fingerprint(after, "nothing")


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ("RUN /venv/bin/python -m steps.packaging.code /code/app steps.fetch", "RUN echo steps.fetch", "puts no code"),
        ("./packages.sh fetch ", "./packages.sh fetch && ./packages.sh train ", "installs 2 package groups"),
        ("./packages.sh fetch ", "./packages.sh another ", "uv.lock can't be read for another: error: Group "),
    ],
)
def test_a_recipe_that_says_too_little_or_too_much_is_refused(after: Path, was: str, becomes: str, words: str) -> None:
    """An image without code, with the packages of two groups, or with those of a group that does not exist."""
    path = after / stages.RECIPE
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, becomes, 1))
    with pytest.raises(DataError, match=words):
        stages.fingerprint(after, "fetch")


def test_a_group_that_is_named_twice_is_one(after: Path) -> None:
    path = after / stages.RECIPE
    path.write_text(path.read_text().replace("./packages.sh fetch ", "./packages.sh fetch && ./packages.sh fetch ", 1))
    assert stages.fingerprint(after, "fetch")


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.lock"])
def test_a_tree_without_its_lock_file_is_refused(after: Path, name: str) -> None:
    (after / name).unlink()
    with pytest.raises(DataError, match=f"uv.lock can't be read for fetch: .*{name}"):
        stages.fingerprint(after, "fetch")


def test_without_uv_nothing_is_compared(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the project's own nor another."""
    monkeypatch.setattr(stages, "__file__", str(tmp_path / "release" / "stages.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="uv is not installed"):
        stages.fingerprint(before, "fetch")


@pytest.mark.parametrize("name", ["", "no-such-branch", "--help", "--output=here", "HEAD; touch x", "$(touch x)"])
def test_what_names_no_commit_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it an option of Git."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match="names no commit"):
        Clone(ROOT, os.environ).resolve(name)
    assert list(tmp_path.iterdir()) == []

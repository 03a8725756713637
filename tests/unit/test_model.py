"""A model artefact loads only if it is whole, and scores any row with a number."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steps.common.dataset import OVERALL
from steps.common.errors import DamagedArtefact, OtherVersion
from steps.scoring import artefact
from steps.scoring.artefact import FILES, MANIFEST, VERSION
from steps.scoring.model import INPUT_LIMIT, Model, reconstruct, session
from tests.support import builders

REPOSITORY = builders.REPOSITORY


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artefact that nobody changes."""
    folder = tmp_path_factory.mktemp("model")
    builders.artefact(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An artefact to damage."""
    builders.artefact(tmp_path)
    return tmp_path


def scores(model: Model, features: Any) -> Any:
    """The scores of raw features [rows, features]."""
    return model.score(features, [REPOSITORY] * len(features)).scores


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, -1])
def test_one_changed_byte_is_refused(folder: Path, name: str, place: int) -> None:
    """The error names the file."""
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DamagedArtefact, match=name):
        Model.load(folder)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    """The error names the file."""
    (folder / name).unlink()
    with pytest.raises(DamagedArtefact, match=name):
        Model.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_a_hash_is_refused(folder: Path, name: str) -> None:
    """Nothing is loaded on trust."""
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["sha256"][name]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DamagedArtefact, match=name):
        Model.load(folder)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"sha256": null}', '{"sha256": 3}', "\ufeff{", "not json"]
)
def test_a_manifest_that_names_no_hashes_is_refused(folder: Path, content: str) -> None:
    """Whatever else it may be."""
    (folder / MANIFEST).write_text(content)
    with pytest.raises(DamagedArtefact, match="manifest"):
        Model.load(folder)


@pytest.mark.parametrize(
    "thresholds", [{"curves": None}, {"curves": {"strong": {}}}, {"residuals": {"strong": 1}}, {"residuals": {}}]
)
def test_a_model_of_another_form_is_refused(tmp_path: Path, thresholds: dict[str, Any]) -> None:
    """Whole, but written by a version that kept other things."""
    with pytest.raises(DamagedArtefact, match="another form"):
        builders.artefact(tmp_path, thresholds=thresholds)


@pytest.mark.parametrize("version", [1, VERSION + 1, None, "3"])
def test_a_model_of_another_version_is_refused(folder: Path, version: object) -> None:
    """The error says which one this code reads."""
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"version": version}))
    with pytest.raises(OtherVersion, match=f"reads version {VERSION}"):
        Model.load(folder)


@pytest.mark.parametrize("name", ["model.keras", "model.pkl", "weights.h5", "saved_model.pb"])
def test_a_model_that_could_run_code_is_refused_by_name(folder: Path, name: str) -> None:
    """Where ONNX is missing and another kind is there instead."""
    (folder / "model.onnx").rename(folder / name)
    with pytest.raises(DamagedArtefact, match=rf"lacks model.onnx; it holds {name}, and only ONNX is read"):
        Model.load(folder)


def test_what_is_beside_the_files_is_never_read(folder: Path) -> None:
    """A pickle changes nothing."""
    before = Model.load(folder).digest
    (folder / "model.pkl").write_bytes(b"\x80\x04.")
    assert Model.load(folder).digest == before


def test_bytes_that_are_no_network_are_refused(folder: Path) -> None:
    """Though they have the hash that the manifest names."""
    contents = artefact.read(folder)
    artefact.write(folder, {**contents.files, "model.onnx": b"not a network"}, {})
    with pytest.raises(DamagedArtefact, match="not an ONNX network"):
        Model.load(folder)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("strong", "noise", "faint"), "feature 2 is faint, where the code has noise"),
        (("strong", "faint", "other"), "feature 3 is noise, where the code has other"),
        (("strong", "faint"), "feature 3 is noise, where the code has no more"),
        (("strong", "faint", "noise", "new"), "feature 4 is missing, where the code has new"),
    ],
)
def test_other_features_or_another_order_are_refused(whole: Path, names: tuple[str, ...], words: str) -> None:
    """The error names the first difference."""
    model = Model.load(whole)
    model.check_features(builders.NAMES)
    with pytest.raises(DamagedArtefact, match=words):
        model.check_features(names)


def test_the_digest_is_that_of_the_manifest(whole: Path) -> None:
    """Which holds that of every file, so it stands for all of them."""
    assert Model.load(whole).digest == hashlib.sha256((whole / MANIFEST).read_bytes()).hexdigest()


def test_the_manifest_comes_back_with_its_facts(tmp_path: Path) -> None:
    """What was said when it was written, and a hash for each file."""
    builders.artefact(tmp_path, facts={"data_hash": "abc", "git_commit": "def"})
    manifest = Model.load(tmp_path).manifest
    assert (manifest["data_hash"], manifest["git_commit"]) == ("abc", "def")
    assert set(manifest["sha256"]) == set(FILES)


def test_files_are_found_where_mlflow_puts_them(folder: Path) -> None:
    """All but the network stand in a folder of their own there."""
    (folder / "extra_files").mkdir()
    for name in (*FILES[1:], MANIFEST):
        (folder / name).rename(folder / "extra_files" / name)
    assert Model.load(folder).names == builders.NAMES


@given(arrays(np.float64, (4, 3), elements=st.floats(-1e300, 1e300)))
def test_every_row_of_numbers_gets_a_number(whole: Path, features: Any) -> None:
    """However far out."""
    assert np.isfinite(scores(Model.load(whole), features)).all()


@given(st.integers(0, 2), st.floats(-5, 5), st.floats(0, 1e6))
def test_further_in_the_unusual_direction_never_scores_lower(
    whole: Path, place: int, value: float, more: float
) -> None:
    """In each feature alone."""
    rows = np.zeros((2, 3))
    rows[:, place] = value, value + more
    less, greater = scores(Model.load(whole), rows)
    assert greater >= less - 1e-9


def test_a_row_scores_alone_as_among_others(whole: Path) -> None:
    """So that a service, which sees one at a time, says what was measured on many."""
    model, rows = Model.load(whole), np.random.default_rng(5).normal(size=(200, 3)) * 3
    alone = [scores(model, rows[place : place + 1])[0] for place in range(len(rows))]
    np.testing.assert_allclose(scores(model, rows), alone, atol=1e-9)


def test_an_unknown_repository_is_scored_by_the_scales_over_all(whole: Path) -> None:
    """No error, and the same as the other unknown one."""
    model, rows = Model.load(whole), np.ones((2, 3))
    found = model.score(rows, ["never/seen", "nor/this"]).scores
    assert found[0] == found[1]


def test_the_network_sees_nothing_beyond_the_limit() -> None:
    """An input further out is given at the limit, either way."""
    same = session(builders.network(factor=1.0))
    found = reconstruct(same, np.array([[1e6, -1e6, 3.0]]))
    np.testing.assert_allclose(found, [[INPUT_LIMIT, -INPUT_LIMIT, 3.0]])


@pytest.mark.parametrize("repository", [REPOSITORY, "never/seen"])
def test_a_percentile_is_the_share_of_the_past_that_scored_lower(whole: Path, repository: str) -> None:
    """From none to all; at the threshold all but the alert budget."""
    model = Model.load(whole)
    levels, past, _ = model.distribution(repository)
    found = [model.percentile(score, repository) for score in np.linspace(past[0] - 1, past[-1] + 1, 500)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0.0, 100.0)
    assert model.percentile(model.threshold, repository) == pytest.approx(99.0)
    middle = levels.index(0.5)
    assert model.percentile(past[middle], repository) == pytest.approx(50.0)


def test_a_repository_that_is_not_known_is_told_of_all(whole: Path) -> None:
    """Its distribution says so."""
    model = Model.load(whole)
    assert model.distribution(REPOSITORY).known
    assert not model.distribution("never/seen").known
    assert model.distribution("never/seen").scores == model.distribution(OVERALL).scores


def test_what_is_usual_has_a_value_for_each_feature(whole: Path) -> None:
    """In the order of the names."""
    found = Model.load(whole).middles(REPOSITORY)
    assert tuple(found) == builders.NAMES
    assert set(found.values()) == {0.0}


def test_levels_begin_above_their_thresholds(whole: Path) -> None:
    """A score at the threshold is standard still."""
    model = Model.load(whole)
    high = model.thresholds["high"]
    found = [model.level(score) for score in (0.0, model.threshold, model.threshold + 1e-9, high, high + 1e-9)]
    assert found == ["standard", "standard", "unusual", "unusual", "high"]


def test_a_repository_has_limits_of_its_own(tmp_path: Path) -> None:
    """From its newest scores; another one has those over all."""
    own = np.linspace(0.0, 1.0, 1_000).tolist()
    model = builders.artefact(tmp_path, thresholds={"newest": {REPOSITORY: own}})
    limits = model.limits(REPOSITORY)
    assert 0.9 < limits.threshold < model.threshold
    assert limits.high >= limits.threshold
    assert model.limits("never/seen") == (model.threshold, model.high)
    assert model.level(limits.threshold + 1e-9, limits) == "unusual"
    assert model.level(limits.threshold + 1e-9) == "standard"

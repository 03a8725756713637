"""A service is ready only with a valid model; with any other it stays alive and logs the reason."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from steps.scoring import signature
from steps.scoring.artefact import as_json, read, write
from steps.scoring.signature import SIGNATURE
from steps.serve.app import create_app
from tests.support import serving, signing_keys


def rewrite_model(folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Change features and golden pull requests, and update the hashes."""
    files, manifest, _ = read(folder)
    features, golden = (json.loads(files[name]) for name in ("features.json", "golden.json"))
    change(features, golden)
    files |= {"features.json": as_json(features), "golden.json": as_json(golden)}
    write(folder, files, {name: value for name, value in manifest.items() if name not in ("version", "sha256")})


def change_one_byte(folder: Path) -> None:
    path = folder / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def use_keras(folder: Path) -> None:
    (folder / "model.onnx").rename(folder / "model.keras")


def use_pickle(folder: Path) -> None:
    """Hashes and all."""
    files, manifest, _ = read(folder)
    files["model.onnx"] = pickle.dumps(print)
    write(folder, files, {"data_hash": manifest["data_hash"]})


def reorder_features(folder: Path) -> None:
    def swap(features: dict[str, Any], _: Any) -> None:
        first, second, *rest = features["features"]
        features["features"] = [second, first, *rest]

    rewrite_model(folder, swap)


def shift_scores(folder: Path) -> None:
    def shift(_: Any, golden: Any) -> None:
        golden[0]["score"] += 1e-5

    rewrite_model(folder, shift)


def drop_golden(folder: Path) -> None:
    rewrite_model(folder, lambda _, golden: golden.clear())


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "one byte changed": (change_one_byte, "model.onnx of the model in"),
    "a missing file": (lambda folder: (folder / "thresholds.json").unlink(), "lacks thresholds.json"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "lacks manifest.json"),
    "nothing at all": (shutil.rmtree, "lacks manifest.json"),
    "Keras": (use_keras, "it holds model.keras, and only ONNX is read"),
    "a pickle": (use_pickle, "model.onnx is not an ONNX network"),
    "another feature order": (reorder_features, "The model's feature 1 is"),
    "other scores": (shift_scores, "differs by 1e-05 in score"),
    "no golden pull requests": (drop_golden, "has no golden pull requests"),
    "a broken version file": (lambda folder: (folder / "version.json").write_text("{"), "version.json is not valid"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_service_with_a_damaged_model_is_never_ready_and_logs_why(
    name: str, model: Path, tmp_path: Path, settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays alive for diagnosis."""
    do, said = BROKEN[name]
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    do(folder)
    settings.setenv("MODEL_DIR", str(folder))
    with TestClient(create_app()) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        for method, path, given in (
            ("GET", "/readyz", None),
            ("GET", "/model", None),
            ("POST", "/score", {"pull_requests": [{}]}),
        ):
            answer = client.request(method, path, json=given)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert "no valid model" in answer.json()["detail"]
            assert "x-model" not in answer.headers
        assert "pr_sentinel_ready 0.0" in client.get("/metrics").text
    (error,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert said in error.message
    assert error.advice  # type: ignore[attr-defined]


def test_a_valid_model_makes_the_service_ready_and_has_a_card(model: Path, settings: pytest.MonkeyPatch) -> None:
    """With its record in the registry."""
    version = {"name": "pr-sentinel", "version": "3", "reason": "First."}
    (model / "version.json").write_text(json.dumps(version))
    try:
        with TestClient(create_app()) as client:
            assert client.get("/readyz").json() == {"status": "ready"}
            card = client.get("/model").json()
            assert (card["name"], card["version"]) == ("pr-sentinel", "3")
            assert card["registration"] == version
            assert card["digest"] == client.get("/readyz").headers["x-model-digest"]
            assert card["manifest"]["data_hash"] == "0" * 64
            assert f'digest="{card["digest"]}",name="pr-sentinel",version="3"}} 1.0' in client.get("/metrics").text
    finally:
        (model / "version.json").unlink()


KEYS, OTHER_KEYS = signing_keys.build(1), signing_keys.build(2)


def sign(folder: Path, private_key: str = KEYS.private) -> None:
    """Sign a model's folder."""
    (folder / SIGNATURE).write_bytes(signature.sign(folder, private_key))


def change_signed_file(folder: Path) -> None:
    """With hashes that agree, so that only the signature shows it."""
    sign(folder)
    rewrite_model(folder, lambda features, _: features.update(more=1))


UNTRUSTED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "unsigned": (lambda folder: None, "The model is unsigned."),
    "another key": (lambda folder: sign(folder, OTHER_KEYS.private), "not signed by a key that is trusted here"),
    "a changed file": (change_signed_file, "features.json, manifest.json differs"),
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_service_that_needs_a_signature_is_never_ready_without(
    name: str, model: Path, tmp_path: Path, settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By production's settings; by a laptop's, the same model is served."""
    do, said = UNTRUSTED[name]
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    do(folder)
    settings.setenv("MODEL_DIR", str(folder))
    with TestClient(create_app()) as client:
        assert client.get("/readyz").status_code == 200
    caplog.clear()
    settings.setenv("MODEL_SIGNATURE", "required")
    settings.setenv("MODEL_PUBLIC_KEY", KEYS.public)
    with TestClient(create_app()) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
    (error,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert said in error.message


def test_a_service_that_needs_a_signature_is_never_ready_without_a_public_key(
    model: Path, tmp_path: Path, settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However well the model is signed."""
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    sign(folder)
    settings.setenv("MODEL_DIR", str(folder))
    settings.setenv("MODEL_SIGNATURE", "required")
    settings.setenv("MODEL_PUBLIC_KEY", "")
    with TestClient(create_app()) as client:
        assert client.get("/readyz").status_code == 503
    (error,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert "MODEL_PUBLIC_KEY is not set" in error.message


def test_a_signed_model_is_ready_and_shows_its_signature(
    model: Path, tmp_path: Path, settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As anybody can check it; a model without one shows none."""
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    settings.setenv("MODEL_DIR", str(folder))
    caplog.set_level("INFO")
    with TestClient(create_app()) as client:
        assert client.get("/model").json()["signature"] is None
    sign(folder)
    settings.setenv("MODEL_SIGNATURE", "required")
    settings.setenv("MODEL_PUBLIC_KEY", KEYS.public)
    with TestClient(create_app()) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        card = client.get("/model").json()
    assert signature.verify(card["signature"], KEYS.public).files["manifest.json"] == card["digest"]
    signers = [record.signed_by for record in caplog.records if record.message == "model loaded"]  # type: ignore[attr-defined]
    assert signers == ["unsigned", signature.find_key_id(KEYS.private)]


def test_a_process_with_a_damaged_model_is_alive_and_not_ready(model: Path, tmp_path: Path) -> None:
    """As `bentoml serve` runs it."""
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    change_one_byte(folder)
    with serving.running(tmp_path, {"MODEL_DIR": str(folder)}, "/livez") as service:
        assert service.get("/readyz").status_code == 503
        assert service.get("/livez").status_code == 200
        (line,) = (one for one in service.lines() if one["level"] == "error")
        assert "does not have the hash" in line["message"]

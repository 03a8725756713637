"""Trainings in a real MLflow on SQLite, run once; each test registers them in a copy of its own."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from steps.common.settings import TrainSettings
from steps.common.store import open_store
from steps.packaging import archive
from steps.register import package
from tests.support import builders, plain_bento

OTHER_NAMES = ("alpha", "beta", "gamma")


class Trainings:
    """The inputs of register, by a name that describes the training."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        old, new, newest, renamed, small = (
            builders.dataset(folder / "store", **given)
            for given in (
                {},
                {"days": 30, "seed": 2},
                {"days": 60, "seed": 3},
                {"names": OTHER_NAMES},
                {"real": 40},
            )
        )
        wanted: dict[str, tuple[str, dict[str, Any]]] = {
            "good": (old, {"scored": ["strong"]}),
            "twin": (old, {"scored": ["strong"]}),
            "faint": (old, {"scored": ["faint"]}),
            "worthless": (old, {"scored": ["noise"]}),
            "newer": (new, {"scored": ["strong"]}),
            "newer faint": (new, {"scored": ["faint"]}),
            "newest": (newest, {"scored": ["strong"]}),
            "other names": (renamed, {"scored": ["alpha"], "names": OTHER_NAMES}),
            "few rows": (small, {"scored": ["strong"]}),
            "no threshold": (old, {"scored": ["strong"], "thresholds": {"threshold": None}}),
            "misreported": (old, {"scored": ["strong"], "recorded": {"model": 0.5}}),
            "no figure of a baseline": (old, {"scored": ["strong"], "recorded": {"ecod": float("nan")}}),
        }
        self._given = {
            name: self._train(uri, self._settings(folder), seed, **how)
            for seed, (name, (uri, how)) in enumerate(wanted.items())
        }

    def __getitem__(self, name: str) -> dict[str, str]:
        return dict(self._given[name])

    def environment(self, folder: Path) -> dict[str, str]:
        """The settings of register, with a copy of MLflow's database in this folder and a store without Bentos."""
        shutil.copy(self._folder / "mlflow.db", folder)
        settings = self._settings(folder)
        open_store(settings).delete(archive.FOLDER)
        return {"STORE_URL": settings.store_url, "MLFLOW_URI": settings.mlflow_uri}

    def another(self, folder: Path) -> dict[str, str]:
        """A training like "good", whose files are this test's own to damage."""
        return self._train(self["good"]["dataset_uri"], self._settings(folder), 99, scored=["strong"])

    def _settings(self, folder: Path) -> TrainSettings:
        return TrainSettings(
            store_url=f"file://{self._folder}/store",
            mlflow_uri=f"sqlite:///{folder}/mlflow.db",
            mlflow_artifacts=f"file://{self._folder}/artifacts",
        )

    def _train(self, uri: str, settings: TrainSettings, seed: int, **how: Any) -> dict[str, str]:
        return builders.training(self._folder / "work", settings, uri, seed=seed, **how)


@pytest.fixture(scope="session")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    """None of them is registered."""
    return Trainings(tmp_path_factory.mktemp("trainings"))


@pytest.fixture(autouse=True)
def plain_bentos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the Bento build: the service refuses these small models."""
    monkeypatch.setattr(package, "build", plain_bento.build)


@pytest.fixture
def client(trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """MLflow with an empty registry of this test's own, which the step's settings name."""
    settings = trainings.environment(tmp_path)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return MlflowClient(settings["MLFLOW_URI"])

"""The poisoning drill: what others put into the data of a night is refused by name, or does no harm.

Harm is counted in average precision on injected anomalies: on the reference set, of which the gate promises that no
more is lost than its tolerance, and on a clean set of newer pull requests that no night's data come into.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from steps.common.dataset import Dataset, RepositorySummary, materialise
from steps.common.settings import RegisterSettings, load
from steps.common.store import open_store
from steps.common.tracking import REGISTERED_MODEL, connect
from steps.register import contenders, package, reference
from steps.register.gate import CUMULATIVE_TOLERANCE
from steps.register.registry import decide_and_register
from steps.scoring.features import NAMES
from steps.train.run import train_and_measure
from tests.support import builders, plain_bento, poison, trainings
from tests.support.trainings import BUDGET, SEED

pytestmark = pytest.mark.slow

NIGHTS = 8
CLEAN_TOLERANCE = CUMULATIVE_TOLERANCE + 0.01
"""The clean set is not the reference set: its figure may differ a little more."""

Pulls = list[dict[str, Any]]


class Drill(NamedTuple):
    """A folder with a store and MLflow, in which the first champion learned from clean data."""

    folder: Path
    pulls: Pulls
    clean: Dataset
    reference: Dataset


class Figures(NamedTuple):
    """A model's average precision on the two sets that no night's data come into."""

    clean: float
    reference: float

    def is_unharmed(self, before: "Figures", tolerance: float = CUMULATIVE_TOLERANCE) -> bool:
        """Whether no more is lost than what may be; of the clean set, this much."""
        kept = self.reference >= before.reference - CUMULATIVE_TOLERANCE
        return kept and self.clean >= before.clean - tolerance


def publish(folder: Path, pulls: Sequence[dict[str, Any]]) -> str:
    """Write the dataset that preprocess makes of pull requests, and return its address."""
    summaries = {}
    for name in sorted({one["repository"] for one in pulls}):
        times = [one["created_at"] for one in pulls if one["repository"] == name]
        summaries[name] = RepositorySummary(rows=len(times), first=min(times), last=max(times), watermark=None)
    return builders.publish(folder / "store", trainings.tables(pulls), NAMES, summaries)


def live_night(folder: Path, pulls: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Train on a night's pull requests and let the gate decide."""
    return decide_on(publish(folder, pulls))


def decide_on(uri: str) -> dict[str, str]:
    """Train on a dataset and let the gate decide."""
    trained = train_and_measure(uri, BUDGET, SEED)
    return decide_and_register(trained["run_id"], trained["model_uri"], uri)


def measure_champion(drill: Drill, folder: Path) -> Figures:
    """The champion's figures."""
    with connect(load(RegisterSettings)) as client:
        version = client.get_model_version_by_alias(REGISTERED_MODEL, "champion").version
        loaded = contenders.load(f"models:/{REGISTERED_MODEL}/{version}", folder)
    return Figures(*(reference.measure(loaded.model, one) for one in (drill.clean, drill.reference)))


def cut(pulls: Sequence[dict[str, Any]], share: float) -> Pulls:
    """The earlier pull requests, up to this share of each repository's time."""
    times = [one["created_at"] for one in pulls]
    until = min(times) + share * (max(times) - min(times))
    return [one for one in pulls if one["created_at"] <= until]


def report(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Show a line, as who runs a drill wants to read what happened."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Settings that name the drill's own folders; Bentos are plain."""
    folder = tmp_path_factory.mktemp("poison")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in trainings.settings(folder, folder / "store").items():
            patch.setenv(name, value)
        patch.setattr(package, "build", plain_bento.build)
        yield folder


@pytest.fixture(scope="module")
def drill(environment: Path) -> Drill:
    """A first champion of four fifths of the time, and a clean set of all of it."""
    pulls = trainings.pulls()
    uris = {"reference": publish(environment, cut(pulls, 0.8)), "clean": publish(environment, pulls)}
    first = decide_on(uris["reference"])
    assert first["decision"] == "accepted", first["reason"]
    store = open_store(load(RegisterSettings))
    sets = {name: materialise(store, uri, environment / name, reference.SPLITS) for name, uri in uris.items()}
    return Drill(environment, pulls, **sets)


@pytest.fixture
def rewound(drill: Drill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drill:
    """The drill with nothing but its first champion in the registry, which is this test's own."""
    shutil.copy(drill.folder / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return drill


def test_a_clean_night_is_accepted(rewound: Drill, tmp_path: Path) -> None:
    """The gate does not refuse whatever is new."""
    before = measure_champion(rewound, tmp_path / "before")
    answer = live_night(rewound.folder, rewound.pulls)
    assert answer["decision"] == "accepted", answer["reason"]
    after = measure_champion(rewound, tmp_path / "after")
    assert after.is_unharmed(before), (before, after)


@pytest.mark.parametrize(
    ("attack", "tolerance"),
    [
        (poison.mix_in_anomalies, CUMULATIVE_TOLERANCE),
        (poison.add_crowd, CUMULATIVE_TOLERANCE),
        (poison.add_duplicates, CLEAN_TOLERANCE),
    ],
)
def test_a_poisoned_night_is_refused_or_harmless(
    rewound: Drill,
    tmp_path: Path,
    attack: Callable[[Pulls], Pulls],
    tolerance: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A tenth of anomalies, one author's thousands, everything several times: and the decision says why."""
    before = measure_champion(rewound, tmp_path / "before")
    answer = live_night(rewound.folder, attack(rewound.pulls))
    after = measure_champion(rewound, tmp_path / "after")
    report(
        capsys, f"{attack.__name__}: {answer['decision']}, {before.clean:.3f} -> {after.clean:.3f}. {answer['reason']}"
    )
    assert answer["decision"] in {"accepted", "refused"}
    rule, _, figures = answer["reason"].partition(": ")
    assert rule
    assert figures
    assert after.is_unharmed(before, tolerance), (before, after)


def test_slow_drift_ends_before_it_does_harm(
    rewound: Drill, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each night is a little newer and a little worse than the one before."""
    before = measure_champion(rewound, tmp_path / "before")
    decisions = []
    for night in range(1, NIGHTS + 1):
        known = cut(rewound.pulls, 0.8 + 0.2 * night / NIGHTS)
        later = [one | {"created_at": one["created_at"] + timedelta(seconds=night)} for one in known]
        answer = live_night(rewound.folder, poison.let_drift(later, night))
        decisions.append(answer["decision"])
        after = measure_champion(rewound, tmp_path / f"night-{night}")
        report(
            capsys, f"night {night}: {answer['decision']}, {before.clean:.3f} -> {after.clean:.3f}. {answer['reason']}"
        )
        assert after.is_unharmed(before, CLEAN_TOLERANCE), (before, after)
    assert set(decisions) <= {"accepted", "refused"}

"""Where a backtest gets its pull requests: the champion of the registry, and the dataset that it was trained on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.entities.model_registry import ModelVersion

from local.backtest.result import SEEN, Backtest, Budget, Flagged, Opened, alerts
from local.report.findings import titled
from local.untrusted import one_line
from steps.common.dataset import Manifest, load_manifest, materialise
from steps.common.errors import NotFound
from steps.common.registry import Registry
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import Store, open_store
from steps.common.tracking import REGISTERED_MODEL, connected
from steps.packaging.champion import no_champion
from steps.register import contenders
from steps.scoring.arrays import Floats
from steps.scoring.model import Model
from steps.scoring.reasons import reasons
from steps.scoring.thresholds import MIN_SCORES
from steps.train.data import rows, sample

BUDGETS = (0.005, 0.01, 0.02)
"""Alert budgets to compare: shares of pull requests that may raise an alert."""
MOST_LISTED = 10
COLUMN = "part"


@dataclass(frozen=True)
class ChampionModel:
    """The model that is in use, where its dataset is, and a folder for the files of both."""

    version: str
    model: Model
    dataset_uri: str
    store: Store
    folder: Path


def gather(repository: str, last: int, weekly: int, settings: Mapping[str, str]) -> Backtest:
    """Score the last pull requests of a repository as they were when they were opened.

    Args:
        repository: `owner/name`, in upper or lower case.
        last: how many; fewer, where there are no more.
        weekly: how many alerts a week may be told.
        settings: where documents, datasets and models are kept.

    Raises:
        NotFound: there is no champion, or its dataset has no such repository.
        SentinelError: MLflow, the store or MongoDB does not answer, or what is kept there is damaged.
    """
    with _champion(settings) as champion:
        name = known_name(repository, load_manifest(champion.store, champion.dataset_uri))
        table = _newest(champion, name, last)
        scores, flagged = _scored(champion.model, table)
        past = _past_scores(champion, name)
        limits = champion.model.limits(name)
    times, splits = table.column("created_at").to_pylist(), table.column(COLUMN).to_pylist()
    told = iter(alerts((times[place] for place in flagged), weekly))
    opened = [
        Opened(number, time, float(score), champion.model.level(score, limits), split, place in flagged and next(told))
        for place, (number, time, score, split) in enumerate(
            zip(table.column("number").to_pylist(), times, scores, splits, strict=True)
        )
    ]
    return Backtest(
        repository=name,
        version=champion.version,
        weekly=weekly,
        asked=last,
        threshold=limits.threshold,
        alert_budget=float(champion.model.thresholds["alert_budget"]),
        opened=opened,
        flagged=titled([_entry(table, place, opened[place], why) for place, why in flagged.items()], settings),
        budgets=budgets(champion.model, past, opened, weekly, limits.threshold),
    )


@contextmanager
def _champion(settings: Mapping[str, str]) -> Iterator[ChampionModel]:
    where = TrackingSettings.model_construct(mlflow_uri=settings["MLFLOW_URI"])
    with TemporaryDirectory(prefix="pr-sentinel-") as folder, connected(where) as client:
        version: ModelVersion | None = Registry(client).champion()
        if version is None:
            raise no_champion()
        loaded = contenders.load(f"models:/{REGISTERED_MODEL}/{version.version}", Path(folder) / "champion")
        store = open_store(StoreSettings(store_url=settings["STORE_URL"]))
        uri = version.tags["dataset_uri"]
        yield ChampionModel(str(version.version), loaded.model, uri, store, Path(folder) / "dataset")


def known_name(repository: str, manifest: Manifest) -> str:
    """The repository's name as the dataset has it.

    Raises:
        NotFound: it isn't there; the words say which ones are.
    """
    there = {name.lower(): name for name in sorted(manifest.repositories)}
    if repository.lower() in there:
        return there[repository.lower()]
    listed = ", ".join(list(there.values())[:MOST_LISTED])
    more = f" and {len(there) - MOST_LISTED} more" if len(there) > MOST_LISTED else ""
    raise NotFound(
        f"{one_line(repository)} is not in the dataset of the model, which has {one_line(listed)}{more}.",
        advice=f'Run make run REPOS="{one_line(repository)}" first; name others that it should know beside it.',
    )


def _newest(champion: ChampionModel, repository: str, last: int) -> pa.Table:
    """The last rows of a repository in the order of opening, each with its split; older splits only if need be."""
    taken: list[pa.Table] = []
    for split in reversed(SEEN):
        if sum(map(len, taken)) >= last:
            break
        dataset = materialise(champion.store, champion.dataset_uri, champion.folder, (split,))
        for file in dataset.files(split):
            found = pq.read_table(file, filters=[("repository", "=", repository)])
            taken.append(found.append_column(COLUMN, pa.array([split] * len(found), pa.string())))
    table = pa.concat_tables(taken).sort_by([("created_at", "ascending"), ("number", "ascending")])
    return table.slice(max(len(table) - last, 0))


def _scored(model: Model, table: pa.Table) -> tuple[Floats, dict[int, list[str]]]:
    """All scores, and the reasons of the flagged rows by their place."""
    given = rows(table, model.names)
    scored = model.score(given.features, given.repositories)
    limits = model.limits(given.repositories[0]) if len(given) else None
    places = [place for place, score in enumerate(scored.scores) if model.level(score, limits) != "standard"]
    why = {place: reasons(model, table.slice(place, 1).to_pylist()[0], scored.surprises[place]) for place in places}
    return scored.scores, why


def _entry(table: pa.Table, place: int, opened: Opened, why: list[str]) -> Flagged:
    return Flagged(
        id=table.column("id")[place].as_py(),
        repository=table.column("repository")[place].as_py(),
        number=opened.number,
        created_at=opened.at.isoformat(),
        score=opened.score,
        level=opened.level,
        reasons=why,
        told=opened.told,
        split=opened.split,
    )


def _past_scores(champion: ChampionModel, repository: str) -> Floats:
    """Scores of the rows that the threshold was set on: the repository's own, or those of all where they are few."""
    dataset = materialise(champion.store, champion.dataset_uri, champion.folder, ("validation",))
    past = sample(dataset, "validation", champion.model.names)
    scores = champion.model.score(past.features, past.repositories).scores
    own = scores[np.asarray(past.repositories) == repository]
    return own if len(own) >= MIN_SCORES else scores


def budgets(
    model: Model, past: Floats, opened: Sequence[Opened], weekly: int, own_threshold: float | None = None
) -> list[Budget]:
    """The same pull requests at several alert budgets, the model's own among them."""
    own = float(model.thresholds["alert_budget"])
    thresholds = {share: float(np.quantile(past, 1 - share)) for share in BUDGETS} | {
        own: model.threshold if own_threshold is None else own_threshold
    }
    found = []
    for share, threshold in sorted(thresholds.items()):
        times = [one.at for one in opened if one.score > threshold]
        found.append(Budget(share, threshold, len(times), sum(alerts(times, weekly)), share == own))
    return found

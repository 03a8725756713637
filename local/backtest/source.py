"""The data of a backtest: the champion from the registry, and the dataset that it was trained on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.entities.model_registry import ModelVersion

from local.backtest.result import (
    SPLIT_MEANINGS,
    Backtest,
    BacktestEntry,
    BudgetOutcome,
    FlaggedPullRequest,
    apply_weekly_budget,
)
from local.report.findings import add_titles
from local.untrusted import one_line
from steps.common.dataset import Manifest, load_manifest, materialise
from steps.common.errors import NotFound
from steps.common.registry import Registry
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import Store, open_store
from steps.common.tracking import REGISTERED_MODEL, connect
from steps.packaging.champion import no_champion_error
from steps.register import contenders
from steps.scoring.arrays import Floats
from steps.scoring.model import Model
from steps.scoring.reasons import reasons
from steps.scoring.thresholds import Rolling, limits
from steps.train.data import rows, sample

BUDGETS = (0.005, 0.01, 0.02)
"""Alert budgets to compare: the shares of pull requests that may raise an alert."""
MAX_LISTED = 10
SPLIT_COLUMN = "part"


@dataclass(frozen=True)
class ChampionModel:
    """The champion, the URI of its dataset, and a folder for the dataset's files."""

    version: str
    model: Model
    dataset_uri: str
    store: Store
    folder: Path


def run_backtest(repository: str, last: int, weekly: int, settings: Mapping[str, str]) -> Backtest:
    """Score the last pull requests of a repository as they were when they were opened.

    Args:
        repository: `owner/name`, case-insensitive.
        last: the number of pull requests; fewer if the dataset has fewer.
        weekly: the maximum number of alerts per week.
        settings: the locations of MongoDB, the store and MLflow.

    Raises:
        NotFound: there is no champion, or its dataset does not contain the repository.
        SentinelError: MLflow, the store or MongoDB does not respond, or an artefact is damaged.
    """
    with _champion(settings) as champion:
        name = resolve_repository(repository, load_manifest(champion.store, champion.dataset_uri))
        table = _read_newest(champion, name, last)
        scores, flagged = _score_table(champion.model, table)
        past = _score_validation(champion)
        own = champion.model.limits(name)
    times, splits = table.column("created_at").to_pylist(), table.column(SPLIT_COLUMN).to_pylist()
    told = iter(apply_weekly_budget((times[place] for place in flagged), weekly))
    opened = [
        BacktestEntry(
            number, time, float(score), champion.model.level(score, own), split, place in flagged and next(told)
        )
        for place, (number, time, score, split) in enumerate(
            zip(table.column("number").to_pylist(), times, scores, splits, strict=True)
        )
    ]
    return Backtest(
        repository=name,
        version=champion.version,
        weekly=weekly,
        requested=last,
        threshold=own.threshold,
        alert_budget=float(champion.model.thresholds["alert_budget"]),
        opened=opened,
        flagged=add_titles(
            [_build_flagged(table, place, opened[place], why) for place, why in flagged.items()], settings
        ),
        budgets=compare_budgets(champion.model, name, past, opened, weekly),
    )


@contextmanager
def _champion(settings: Mapping[str, str]) -> Iterator[ChampionModel]:
    where = TrackingSettings.model_construct(mlflow_uri=settings["MLFLOW_URI"])
    with TemporaryDirectory(prefix="pr-sentinel-") as folder, connect(where) as client:
        version: ModelVersion | None = Registry(client).get_champion()
        if version is None:
            raise no_champion_error()
        loaded = contenders.load(f"models:/{REGISTERED_MODEL}/{version.version}", Path(folder) / "champion")
        store = open_store(StoreSettings(store_url=settings["STORE_URL"]))
        uri = version.tags["dataset_uri"]
        yield ChampionModel(str(version.version), loaded.model, uri, store, Path(folder) / "dataset")


def resolve_repository(repository: str, manifest: Manifest) -> str:
    """Return the repository's name as the dataset spells it.

    Raises:
        NotFound: the dataset does not contain it; the message lists those that it contains.
    """
    names = {name.lower(): name for name in sorted(manifest.repositories)}
    if repository.lower() in names:
        return names[repository.lower()]
    listed = ", ".join(list(names.values())[:MAX_LISTED])
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    raise NotFound(
        f"{one_line(repository)} is not in the model's dataset, which contains {one_line(listed)}{more}.",
        advice=f'Run `make run REPOS="{one_line(repository)}"` first, together with the other repositories to learn.',
    )


def _read_newest(champion: ChampionModel, repository: str, last: int) -> pa.Table:
    """Read the last rows of a repository in the order of opening, each with its split; older splits only if needed."""
    taken: list[pa.Table] = []
    for split in reversed(SPLIT_MEANINGS):
        if sum(map(len, taken)) >= last:
            break
        dataset = materialise(champion.store, champion.dataset_uri, champion.folder, (split,))
        for file in dataset.files(split):
            found = pq.read_table(file, filters=[("repository", "=", repository)])
            taken.append(found.append_column(SPLIT_COLUMN, pa.array([split] * len(found), pa.string())))
    table = pa.concat_tables(taken).sort_by([("created_at", "ascending"), ("number", "ascending")])
    return table.slice(max(len(table) - last, 0))


def _score_table(model: Model, table: pa.Table) -> tuple[Floats, dict[int, list[str]]]:
    """Return all scores, and the reasons of the flagged rows by row number."""
    given = rows(table, model.names)
    scored = model.score(given.features, given.repositories)
    limits = model.limits(given.repositories[0]) if len(given) else None
    places = [place for place, score in enumerate(scored.scores) if model.level(score, limits) != "standard"]
    why = {place: reasons(model, table.slice(place, 1).to_pylist()[0], scored.surprises[place]) for place in places}
    return scored.scores, why


def _build_flagged(table: pa.Table, place: int, opened: BacktestEntry, why: list[str]) -> FlaggedPullRequest:
    return FlaggedPullRequest(
        id=table.column("id")[place].as_py(),
        repository=table.column("repository")[place].as_py(),
        number=opened.number,
        created_at=opened.at.isoformat(),
        score=opened.score,
        level=opened.level,
        reasons=why,
        alerted=opened.alerted,
        split=opened.split,
    )


def _score_validation(champion: ChampionModel) -> Floats:
    """Score the rows of all repositories that the thresholds were set on."""
    dataset = materialise(champion.store, champion.dataset_uri, champion.folder, ("validation",))
    past = sample(dataset, "validation", champion.model.names)
    return champion.model.score(past.features, past.repositories).scores


def compare_budgets(
    model: Model, repository: str, past: Floats, opened: Sequence[BacktestEntry], weekly: int
) -> list[BudgetOutcome]:
    """Compare several alert budgets on the same pull requests, including the model's own budget.

    Each budget gets the threshold that training would have set for the repository.
    """
    own, newest = model.alert_budget, model.rolling(repository).scores
    thresholds = {share: Rolling.start(share, limits(past, share), newest).current().threshold for share in BUDGETS}
    found = []
    for share, threshold in sorted((thresholds | {own: model.limits(repository).threshold}).items()):
        times = [one.at for one in opened if one.score > threshold]
        found.append(BudgetOutcome(share, threshold, len(times), sum(apply_weekly_budget(times, weekly)), share == own))
    return found

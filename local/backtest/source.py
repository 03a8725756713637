"""The data of a backtest: the champion from the registry, and the dataset that it was trained on."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
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
from local.documents import find_mutes, load_policy, read_outcomes, read_policy, summarise_votes
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
from steps.scoring.signals import total
from steps.scoring.thresholds import Limits, Rolling, limits
from steps.serve.policy import DEFAULT_POLICY, AlertPolicy
from steps.train.data import rows, sample

BUDGETS = (0.005, 0.01, 0.02)
"""Alert budgets to compare: the shares of pull requests that may raise an alert."""
DEFAULT_WEEKLY = 5
MAX_LISTED = 10
SPLIT_COLUMN = "part"


class _NewestRows(NamedTuple):
    """The newest rows of a repository, and the numbers of those that claim to revert each."""

    table: pa.Table
    reverted_by: Mapping[int, Sequence[int]]


class _Flag(NamedTuple):
    """The reasons of a flagged pull request; `heard` if it is unusual without the kinds of reasons that are muted."""

    why: list[str]
    heard: bool


@dataclass(frozen=True)
class ChampionModel:
    """The champion, the URI of its dataset, and a folder for the dataset's files."""

    version: str
    model: Model
    dataset_uri: str
    store: Store
    folder: Path


def run_backtest(
    repository: str, last: int, weekly: int | None, settings: Mapping[str, str], config: Path | None = None
) -> Backtest:
    """Score the last pull requests of a repository as they were when they were opened.

    Args:
        repository: `owner/name`, case-insensitive.
        last: the number of pull requests; fewer if the dataset has fewer.
        weekly: the maximum number of alerts per week; None for that of the repository's rules.
        settings: the locations of MongoDB, the store and MLflow.
        config: a file with rules for the repository; without it, those that the service has read last hold.

    Raises:
        ConfigurationError: the file with the rules can't be read, or is not valid.
        NotFound: there is no champion, or its dataset does not contain the repository.
        SentinelError: MLflow, the store or MongoDB does not respond, or an artefact is damaged.
    """
    policy = load_policy(config) if config else DEFAULT_POLICY
    with _champion(settings) as champion:
        name = resolve_repository(repository, load_manifest(champion.store, champion.dataset_uri))
        policy = policy if config else read_policy(name, settings)
        newest = _read_newest(champion, name, last)
        own = find_limits(champion.model, name, policy.alert_budget)
        scores, flags = _score_table(champion.model, newest.table, own, policy)
        past = _score_validation(champion)
    numbers = newest.table.column("number").to_pylist()
    mutes = find_mutes(name, {numbers[place]: flag.heard for place, flag in flags.items()}, policy, settings)
    weekly = next(one for one in (weekly, policy.weekly_alerts, DEFAULT_WEEKLY) if one is not None)
    opened = _build_entries(champion.model, newest.table, scores, own, mutes, weekly)
    outcomes = read_outcomes(name, numbers, newest.reverted_by, settings)
    flagged = _build_flagged(newest.table, flags, opened, outcomes)
    return Backtest(
        repository=name,
        version=champion.version,
        weekly=weekly,
        requested=last,
        threshold=own.threshold,
        alert_budget=policy.alert_budget or champion.model.alert_budget,
        opened=opened,
        flagged=add_titles(flagged, settings),
        budgets=compare_budgets(champion.model, name, past, opened, weekly, own, policy.alert_budget),
        outcomes=outcomes,
        votes=summarise_votes(name, settings),
    )


def find_limits(model: Model, repository: str, budget: float | None) -> Limits:
    """Return the limits of a repository, at its own alert budget if it has one."""
    if budget is None:
        return model.limits(repository)
    return Rolling.start(budget, model.limits_at(budget), model.rolling(repository).scores).current()


def _build_entries(
    model: Model, table: pa.Table, scores: Floats, own: Limits, mutes: Mapping[int, str], weekly: int
) -> list[BacktestEntry]:
    """Return all pull requests in the order of opening; muted ones take no alert of the week."""
    columns = (table.column(name).to_pylist() for name in ("number", "created_at", SPLIT_COLUMN))
    entries = [
        BacktestEntry(number, at, score, model.level(score, own), split, alerted=False, muted=mutes.get(number, ""))
        for number, at, split, score in zip(*columns, scores.tolist(), strict=True)
    ]
    audible = [one.at for one in entries if one.is_flagged and not one.muted]
    alerted = iter(apply_weekly_budget(audible, weekly))
    return [one._replace(alerted=one.is_flagged and not one.muted and next(alerted)) for one in entries]


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


def _read_newest(champion: ChampionModel, repository: str, last: int) -> _NewestRows:
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
    reverted_by: dict[int, list[int]] = defaultdict(list)
    for number, reverts in zip(table.column("number").to_pylist(), table.column("reverts").to_pylist(), strict=True):
        if reverts is not None:
            reverted_by[reverts].append(number)
    return _NewestRows(table.slice(max(len(table) - last, 0)), reverted_by)


def _score_table(model: Model, table: pa.Table, own: Limits, policy: AlertPolicy) -> tuple[Floats, dict[int, _Flag]]:
    """Return all scores, and the flagged rows by their place."""
    given = rows(table, model.names)
    scored = model.score(given.features, given.repositories)
    left = np.where([one.name in policy.mute.reasons for one in model.signals], 0.0, scored.surprises)
    heard = total(left) > own.threshold
    places = [place for place, score in enumerate(scored.scores) if model.level(score, own) != "standard"]
    return scored.scores, {
        place: _Flag(reasons(model, table.slice(place, 1).to_pylist()[0], scored.surprises[place]), bool(heard[place]))
        for place in places
    }


def _build_flagged(
    table: pa.Table, flags: Mapping[int, _Flag], opened: Sequence[BacktestEntry], outcomes: Mapping[int, str]
) -> list[FlaggedPullRequest]:
    return [
        FlaggedPullRequest(
            id=table.column("id")[place].as_py(),
            repository=table.column("repository")[place].as_py(),
            number=opened[place].number,
            created_at=opened[place].at.isoformat(),
            score=opened[place].score,
            level=opened[place].level,
            reasons=flag.why,
            alerted=opened[place].alerted,
            split=opened[place].split,
            muted=opened[place].muted,
            outcome=outcomes.get(opened[place].number, ""),
        )
        for place, flag in flags.items()
    ]


def _score_validation(champion: ChampionModel) -> Floats:
    """Score the rows of all repositories that the thresholds were set on."""
    dataset = materialise(champion.store, champion.dataset_uri, champion.folder, ("validation",))
    past = sample(dataset, "validation", champion.model.names)
    return champion.model.score(past.features, past.repositories).scores


def compare_budgets(
    model: Model,
    repository: str,
    past: Floats,
    opened: Sequence[BacktestEntry],
    weekly: int,
    own_limits: Limits,
    own_budget: float | None,
) -> list[BudgetOutcome]:
    """Compare several alert budgets on the same pull requests, muted or not, including the one that holds.

    Each budget gets the threshold that training would have set for the repository.
    """
    own, newest = own_budget or model.alert_budget, model.rolling(repository).scores
    thresholds = {share: Rolling.start(share, limits(past, share), newest).current().threshold for share in BUDGETS}
    found = []
    for share, threshold in sorted((thresholds | {own: own_limits.threshold}).items()):
        times = [one.at for one in opened if one.score > threshold]
        found.append(BudgetOutcome(share, threshold, len(times), sum(apply_weekly_budget(times, weekly)), share == own))
    return found

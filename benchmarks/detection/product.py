"""The only place that touches the product's features, scores, reasons and thresholds.

Whatever the product changes about them has to be followed here and nowhere else in this benchmark.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

import numpy as np

from benchmarks.detection.metrics import Bools, Floats
from benchmarks.detection.rarity import Statement, read_statement
from steps.common.pull_request import PullRequest
from steps.preprocess.anomalies import KINDS
from steps.preprocess.held_out import HELD_OUT_KINDS
from steps.preprocess.injection import Past, Text
from steps.scoring import reasons as product_reasons
from steps.scoring.features import NAMES
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.scoring.rarity import RANKED
from steps.scoring.scaling import Scales
from steps.scoring.thresholds import replay
from steps.scoring.vectors import plain_rows, vector, with_own

Row = dict[str, Any]

MAX_FOREIGN_TEXTS = 2_000
KIND_SHARE = 0.03
"""Share of the later pull requests beside which one of each kind is injected."""

EXPECTED: Mapping[str, str] = {
    "vendored_dump": r"^(adds|changes) [\d,]+ lines? in",
    "mass_deletion": r"^deletes [\d,]+ lines?",
    "big_typo_fix": r"^promises little in its title|outside the documentation",
    "outsider_junk": r"first-time author|its author's|web editor's|no description",
    "hijacked_maintainer": r"opened at \d+:00 UTC|changes [\d,]+ files",
    "commit_flood": r"has [\d,]+ commits for",
    "wrong_repository": r"uses words in title and description|has a text unlike others|refers to #",
    "copycat_burst": r"nearly the same title|within an hour of",
    "polished_slop": r"^describes a change of|first-time author",
    "impersonated_bot": r"dependency bot|named like a bot",
    "workflow_edit": r"^edits \S*\.github/",
}
"""What the first reason has to speak of, by injected kind."""


def to_rows(pulls: Sequence[PullRequest]) -> list[Row]:
    """Turn pull requests into rows with the features that they show by themselves."""
    return plain_rows(pulls)


def begin_history(end: History) -> History:
    """Return the repository's history at its beginning, which knows the same other projects as at its end."""
    history = History()
    history.vocabulary.elsewhere = end.vocabulary.elsewhere
    return history


def complete(row: Row, history: History, company: Sequence[Row] = ()) -> Row:
    """Return the row with all features as the history stands; `company`, opened just before, leaves no trace."""
    with history.supposing(company):
        return row | history.features(row)


def to_vector(row: Row, names: Sequence[str] = NAMES) -> Floats:
    """Return a complete row's features in the order of `names`."""
    return vector(row, names)


class Injector:
    """The product's own injected kinds, drawn beside the later pull requests of one repository."""

    def __init__(self, foreign: Sequence[Text], seed: int) -> None:
        """Begin with no past; `foreign` are texts of other repositories."""
        self._past = Past(foreign)
        self._seed = seed

    def draw(self, row: Row) -> Iterator[tuple[str, list[Row]]]:
        """Yield what is injected beside a pull request: the kind, and rows of which the last one is judged."""
        random = Random(f"{self._seed} {row['id']}")  # noqa: S311  nothing here is secret
        for kind in (*KINDS, *HELD_OUT_KINDS):
            if random.random() < KIND_SHARE and (company := kind(row, self._past, random)):
                pulls = [{name: value for name, value in one.items() if name not in NAMES} for one in company]
                yield kind.__name__, with_own(pulls)

    def update(self, row: Row) -> None:
        """Move on by a real pull request."""
        self._past.update(row)


def draw_foreign_texts(pulls: Mapping[str, Sequence[PullRequest]], repository: str, seed: int) -> list[Text]:
    """Draw texts of other repositories for `Injector`, as often as they have pull requests.

    The product keeps a few hundred texts of each from its injector, for its history knows them; drawn from all, hardly
    any of those is among these.
    """
    others = [pull for name, own in pulls.items() if name != repository for pull in own]
    random = Random(f"{seed} {repository}")  # noqa: S311  nothing here is secret
    chosen = random.sample(others, min(MAX_FOREIGN_TEXTS, len(others)))
    return [Text(pull.base.repo.full_name, pull.title, pull.body) for pull in chosen]


def score(model: Model, features: Floats, repositories: Sequence[str]) -> tuple[Floats, Floats]:
    """Return scores [rows] and the strength of each of the model's signals [rows, signals]."""
    scored = model.score(features, repositories)
    return scored.scores, scored.surprises


def low_effort(model: Model, strengths: Floats) -> Floats:
    """Return the strength of the signal for dashed-off pull requests alone [rows]; zeros where a model lacks it."""
    places = [place for place, signal in enumerate(model.signals) if signal.name == "low_effort"]
    return strengths[:, places[0]] if places else np.zeros(len(strengths))


def budget(model: Model) -> float:
    """Return the share of pull requests that may be flagged."""
    return model.alert_budget


def flag(model: Model, scores: Floats, repository: str) -> Bools:
    """Flag pull requests of one repository, which come in the order of their opening, as the service would go on."""
    limits = replay(scores, model.rolling(repository))
    return np.array([score > limit.threshold for score, limit in zip(scores.tolist(), limits, strict=True)], bool)


def reasons(model: Model, row: Row, strengths: Floats) -> list[str]:
    """Return the reasons that a maintainer would read, the weightiest first."""
    return product_reasons.reasons(model, row, strengths)


def statement_of(model: Model, row: Row, strengths: Floats) -> Statement | None:
    """Return the rarity that the first reason states; None where it states another fact."""
    reason = next(iter(reasons(model, row, strengths)), "")
    stated = read_statement(reason, row["repository"], "")
    strongest = model.signals[int(np.argmax(strengths))]
    for feature in (name.removesuffix("_rarity") for name in strongest.weights):
        own = read_statement(product_reasons.describe_rank(row, feature), row["repository"], feature)
        if stated and own and own[2:] == stated[2:]:
            return own
    return stated


def statements(row: Row) -> list[Statement]:
    """Return how rare each feature of the pull request would be called, whether or not it becomes a reason."""
    found = (
        read_statement(product_reasons.describe_rank(row, feature), row["repository"], feature) for feature in RANKED
    )
    return [statement for statement in found if statement]


def fit_scales(features: Floats, repositories: Sequence[str]) -> Callable[[Floats, Sequence[str]], Floats]:
    """Fit the scales that the model has, and return what applies them; so baselines get the same help."""
    return Scales.fit(features, repositories).apply

"""From scores to figures: injected kinds, spam, reverts, the alert budget, and the truth of reasons."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.detection import product, rarity
from benchmarks.detection.judging import Candidates
from benchmarks.detection.metrics import Bools, Floats, Ranking, flagged_share, measure, share_of
from benchmarks.detection.records import Labels
from benchmarks.detection.scoring import PRODUCT, Scoring

INJECTED_SHARE = 0.01
"""Injected pull requests weigh as if all of them together, or a kind alone, were this share of the real ones."""
ALL = "all"
FIRST_REASONS = ("rarity_true", "rarity_false", "rarity_unjudged", "bound_true", "bound_false", "other", "none")
"""What the first reason of an alert may come to; `other` is a fact of the pull request itself."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class DetectionEvaluation:
    """Turns one scoring into figures.

    `labels` are by repository and number, `seed` is that of the bootstrap, `expected` are patterns of the first reason
    by injected kind.
    """

    candidates: Candidates
    labels: Mapping[tuple[str, int], Labels]
    scoring: Scoring
    seed: int
    expected: Mapping[str, str] = field(default_factory=lambda: product.EXPECTED)

    def evaluate(self) -> Figures:
        """Return all figures, as plain values."""
        return {
            "injected": self.measure_injected(),
            "spam": self.measure_labelled([label.spam for label in self._labels()]),
            "reverts": self.measure_labelled([label.reverted for label in self._labels()]),
            "flagged": self.count_flagged(),
            "reasons": self.truth(),
            "agreement": self.agreement(),
        }

    def measure_injected(self) -> dict[str, Figures]:
        """Measure each kind, and all evenly together, against the real ones of the repositories that got any."""
        kinds = sorted({kind for kind in self.candidates.kinds if kind is not None})
        into = set(self.candidates.repositories[~self.candidates.real])
        real = self.candidates.real & np.isin(self.candidates.repositories, list(into))
        tasks = {ALL: kinds, **{kind: [kind] for kind in kinds}} if kinds else {}
        return {
            name: self._measure([self.candidates.kinds == kind for kind in own], real, INJECTED_SHARE)
            for name, own in tasks.items()
        }

    def measure_labelled(self, truth: Sequence[bool | None]) -> Figures:
        """Measure how well real pull requests with a label are found, in the repositories that have any such."""
        known = np.array([value is not None for value in truth])
        wanted = np.array([bool(value) for value in truth])
        having = set(self.candidates.repositories[wanted])
        return self._measure([wanted], known & ~wanted & np.isin(self.candidates.repositories, list(having)), None)

    def count_flagged(self) -> Figures:
        """Measure the share flagged, by repository for the product and over all for every detector."""
        random = np.random.default_rng(self.seed)
        real, own = self.candidates.real, self.scoring.flags[PRODUCT]
        repositories = {}
        for name, model in sorted(self.scoring.models.items()):
            mask = real & (self.candidates.repositories == name)
            share = flagged_share(own[mask], random)
            repositories[name] = {"later": int(mask.sum()), "budget": product.budget(model), **share}
        return {
            "repositories": repositories,
            "detectors": {
                name: flagged_share(flags[real], random)["share"] for name, flags in self.scoring.flags.items()
            },
        }

    def truth(self) -> Figures:
        """Check every stated rarity against how often it really came, and the first reasons of the alerts."""
        later = {
            name: int((self.candidates.real & (self.candidates.repositories == name)).sum()) for name in self._names()
        }
        stated = [
            statement for one in self.candidates.each if one.kind is None for statement in product.statements(one.row)
        ]
        verdicts = rarity.judge(rarity.build_cells(stated, later))
        return rarity.summarise(verdicts) | {"alerts": self._first_reasons(rarity.by_cell(verdicts))}

    def agreement(self) -> dict[str, Figures]:
        """Compare first reasons with what was injected, among those found at the budget."""
        limits = {name: self._limit(name) for name in self._names()}
        found: dict[str, Figures] = {}
        for kind, expected in self.expected.items():
            places = np.flatnonzero(self.candidates.kinds == kind).tolist()
            caught = [place for place in places if self._score(place) > limits[self.candidates.repositories[place]]]
            agreeing = [place for place in caught if re.search(expected, next(iter(self.reasons(place)), ""))]
            if places:
                found[kind] = self._share(len(agreeing), len(caught)) | {"injected": len(places)}
        total = sum(one["cases"] for one in found.values())
        agreeing_total = sum(one["hits"] for one in found.values())
        return found | {ALL: self._share(agreeing_total, total)} if found else {}

    def alerts(self, count: int) -> list[Figures]:
        """Return the highest-scored real pull requests that were flagged, each with its reasons and URL."""
        flagged = np.flatnonzero(self.scoring.flags[PRODUCT] & self.candidates.real)
        highest = sorted(flagged.tolist(), key=lambda place: -self._score(place))[:count]
        return [self._alert(place) for place in highest]

    def reasons(self, place: int) -> list[str]:
        """Return the reasons given for one candidate."""
        row, model = self.candidates.each[place].row, self.scoring.models[self.candidates.repositories[place]]
        return product.reasons(model, row, self.scoring.strengths[place])

    def _measure(self, positives: Sequence[Bools], negatives: Bools, share: float | None) -> Figures:
        random = np.random.default_rng(self.seed)
        detectors = {}
        for name, scores in self.scoring.scores.items():
            ranking = Ranking.build([scores[mask] for mask in positives], scores[negatives], share)
            detectors[name] = {
                figure: None if estimate is None else estimate.to_json()
                for figure, estimate in measure(ranking, random).items()
            }
        counts = {"positives": int(sum(mask.sum() for mask in positives)), "negatives": int(negatives.sum())}
        return {**counts, "detectors": detectors}

    def _first_reasons(self, verdicts: Mapping[tuple[str, str, int, bool], rarity.Verdict]) -> Figures:
        """Count what the first reasons of the alerts state: a rarity or a bound, true or false, or another fact."""
        counts = dict.fromkeys(FIRST_REASONS, 0)
        for place in np.flatnonzero(self.scoring.flags[PRODUCT] & self.candidates.real).tolist():
            counts[self._first_reason(place, verdicts)] += 1
        judged = {name: counts[f"{name}_true"] + counts[f"{name}_false"] for name in ("rarity", "bound")}
        shares = {name: self._share(counts[f"{name}_true"], judged[name]) for name in judged}
        return counts | {"alerts": sum(counts.values())} | shares

    def _first_reason(self, place: int, verdicts: Mapping[tuple[str, str, int, bool], rarity.Verdict]) -> str:
        row, model = self.candidates.each[place].row, self.scoring.models[self.candidates.repositories[place]]
        reason = next(iter(self.reasons(place)), None)
        if reason is None:
            return "none"
        if bound := rarity.read_bound(reason):
            return "bound_true" if bound.holds(self._sizes(row["repository"], bound.unit)) else "bound_false"
        statement = product.statement_of(model, row, self.scoring.strengths[place])
        if statement is None:
            return "other"
        truth = rarity.is_true(statement, verdicts)
        return "rarity_unjudged" if truth is None else "rarity_true" if truth else "rarity_false"

    def _sizes(self, repository: str, unit: str) -> Floats:
        """Return the lines or files that each later pull request of a repository changes."""
        rows = (one.row for one in self.candidates.each if one.kind is None and one.row["repository"] == repository)
        names = ("additions", "deletions") if unit == "line" else ("changed_files",)
        return np.array([sum(row[name] for name in names) for row in rows], float)

    def _share(self, hits: int, cases: int) -> Figures:
        estimate = share_of(hits, cases, np.random.default_rng(self.seed))
        return {"hits": hits, "cases": cases, "share": None if estimate is None else estimate.to_json()}

    def _labels(self) -> list[Labels]:
        """The labels of each candidate; of an injected one nothing is known."""
        unknown = Labels(None, None)
        return [
            unknown if one.kind else self.labels.get((one.row["repository"], one.row["number"]), unknown)
            for one in self.candidates.each
        ]

    def _names(self) -> list[str]:
        return sorted(self.scoring.models)

    def _limit(self, name: str) -> float:
        own = self.candidates.real & (self.candidates.repositories == name)
        scores: Floats = self.scoring.scores[PRODUCT][own]
        return float(np.quantile(scores, 1 - product.budget(self.scoring.models[name]))) if len(scores) else np.inf

    def _score(self, place: int) -> float:
        return float(self.scoring.scores[PRODUCT][place])

    def _alert(self, place: int) -> Figures:
        row = self.candidates.each[place].row
        return {
            "url": f"https://github.com/{row['repository']}/pull/{row['number']}",
            "title": row["title"],
            "author": row["author"],
            "created_at": row["created_at"].isoformat(),
            "score": round(self._score(place), 3),
            "reasons": self.reasons(place),
        }

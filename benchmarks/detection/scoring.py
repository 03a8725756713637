"""Scores of the product and of every alternative, by models that may or may not have seen a repository."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.detection import baselines, product
from benchmarks.detection.judging import Candidates
from benchmarks.detection.metrics import Bools, Floats
from benchmarks.detection.pipeline import Progress, TrainedPipeline
from benchmarks.detection.rules import score_by_rules
from steps.scoring.features import NAMES
from steps.scoring.model import Model
from steps.train.data import Rows, sample

PRODUCT = "pr_sentinel"
LOW_EFFORT = "pr_sentinel_low_effort"


@dataclass(frozen=True)
class Scoring:
    """Everything that was scored in one way of training.

    `scores` [candidates] by detector; `flags` [candidates] of real ones at the budget, by detector; `strengths` by
    candidate, of each signal of its model [signals]; `models` by repository.
    """

    scores: dict[str, Floats]
    flags: dict[str, Bools]
    strengths: dict[int, Floats]
    models: dict[str, Model]


def score_all(
    candidates: Candidates, trained: Sequence[tuple[TrainedPipeline, Sequence[str]]], seed: int, tell: Progress
) -> Scoring:
    """Score every candidate by the run that is to judge its repository.

    Args:
        candidates: what to score.
        trained: runs, each with the repositories that it judges; every repository once.
        seed: of the baselines.
        tell: takes a line about how far it is.
    """
    count = len(candidates.each)
    rules = score_by_rules(candidates.each)
    scores: dict[str, Floats] = {PRODUCT: np.zeros(count), LOW_EFFORT: np.zeros(count), **rules}
    flags: dict[str, Bools] = {PRODUCT: np.zeros(count, bool)}
    strengths: dict[int, Floats] = {}
    models: dict[str, Model] = {}
    for run, names in trained:
        mask = np.isin(candidates.repositories, list(names))
        if not mask.any():
            continue
        models |= dict.fromkeys(names, run.model)
        features, owners = candidates.features[mask], candidates.repositories[mask].tolist()
        scores[PRODUCT][mask], own_strengths = product.score(run.model, features, owners)
        scores[LOW_EFFORT][mask] = product.low_effort(run.model, own_strengths)
        strengths |= zip(np.flatnonzero(mask).tolist(), own_strengths, strict=True)
        for name in names:
            own = (candidates.repositories == name) & candidates.real
            flags[PRODUCT][own] = product.flag(run.model, scores[PRODUCT][own], name)
        tell(f"fit baselines beside the model that judges {len(names)} repositories")
        _score_baselines(candidates, mask, run, seed, scores, flags)
    return Scoring(scores, flags, strengths, models)


def _score_baselines(
    candidates: Candidates,
    mask: Bools,
    run: TrainedPipeline,
    seed: int,
    scores: dict[str, Floats],
    flags: dict[str, Bools],
) -> None:
    """Fit baselines to the run's own past and fill in their scores; each flags its budget's share of the validation."""
    past, later = sample(run.dataset, "train", NAMES), sample(run.dataset, "validation", NAMES)
    fitted = baselines.fit(past.features, past.repositories, seed)
    budget = product.budget(run.model)
    for name, scorer in fitted.scorers.items():
        own = scores.setdefault(name, np.zeros(len(mask)))
        own[mask] = scorer(candidates.features[mask], candidates.repositories[mask].tolist())
        limit = _threshold(scorer, later, budget)
        flags.setdefault(name, np.zeros(len(mask), bool))[mask] = own[mask] > limit
    plain = scores["plain_autoencoder"]
    at_two_sigma = flags.setdefault("plain_autoencoder_mean_2_sigma", np.zeros(len(mask), bool))
    at_two_sigma[mask] = plain[mask] > fitted.limit


def _threshold(scorer: Callable[[Floats, Sequence[str]], Floats], later: Rows, budget: float) -> float:
    return float(np.quantile(scorer(later.features, later.repositories), 1 - budget))


def split_folds(sizes: Mapping[str, int], folds: int) -> list[list[str]]:
    """Deal repositories out to folds, the largest first, back and forth; folds that would stay empty are left out."""
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    dealt: list[list[str]] = [[] for _ in range(folds)]
    for place, name in enumerate(ordered):
        turn, at = divmod(place, folds)
        dealt[at if turn % 2 == 0 else folds - 1 - at].append(name)
    return [sorted(fold) for fold in dealt if fold]

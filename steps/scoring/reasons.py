"""What a score says in words: the features that weigh most, with the value and what is usual here."""

from collections.abc import Mapping
from math import expm1
from typing import Any

import numpy as np

from steps.common.dataset import OVERALL
from steps.scoring.arrays import Floats
from steps.scoring.model import MOST_REASONS, Model

LEAST_SURPRISE = 1.0
"""Below this, in powers of ten, a feature is no reason."""
RAREST = 3
"""Beyond this, in powers of ten, a curve is guessing."""


def counted(count: float, noun: str) -> str:
    """A count and its noun: `1 line`, `4,120 lines`."""
    number = round(count)
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def facts(row: Mapping[str, Any]) -> dict[str, str]:
    """The plain values that the words of a reason name, from a row of the dataset."""
    return {
        "lines": counted(row["additions"] + row["deletions"], "line"),
        "additions": f"{row['additions']:,}",
        "deletions": counted(row["deletions"], "line"),
        "files": counted(row["changed_files"], "file"),
        "commits": counted(row["commits"], "commit"),
        "title_words": counted(expm1(row["title_words"]), "word"),
        "body_length": counted(expm1(row["body_length"]), "character"),
        "before": counted(expm1(row["author_before"]), "pull request") if row["author_before"] else "no pull request",
        "duplicates": counted(expm1(row["near_duplicates"]), "other"),
        "newcomers": counted(expm1(row["newcomers_hour"]), "first-time author"),
        "hour": str(row["created_at"].hour),
    }


def reasons(model: Model, row: Mapping[str, Any], surprises: Floats) -> list[str]:
    """Up to three reasons, the weightiest first; of features that say the same, only one.

    Args:
        model: whose features, and usual values by repository, are spoken of.
        row: of the dataset, with the plain counts.
        surprises: what each feature adds [features].
    """
    features = model.features["features"]
    told: dict[str, int] = {}
    for place in np.argsort(-surprises, kind="stable").tolist():
        if surprises[place] >= LEAST_SURPRISE:
            told.setdefault(f"{features[place]['group']} {features[place]['measure']}", place)
    values = facts(row) if told else {}
    return [
        f"{features[place]['words'].format(**values)}; {_usual(model, row, place, surprises[place])}"
        for place in list(told.values())[:MOST_REASONS]
    ]


def _usual(model: Model, row: Mapping[str, Any], place: int, surprise: float) -> str:
    """What is usual: the 99th percentile here where the value is above it, else how rare a value this far out is."""
    if measure := model.features["features"][place]["measure"]:
        name, noun = measure
        usual = model.features["usual"]
        limit = usual.get(row["repository"], usual[OVERALL])[name]
        if row[name] > limit:
            return f"99 % here change at most {counted(expm1(limit), noun)}"
    if surprise >= RAREST:
        return f"fewer than one in {10**RAREST:,} are like that"
    return f"about one in {round(10**surprise):,} are like that"

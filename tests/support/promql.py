"""The metrics and labels that a query of Prometheus names."""

import re
from typing import NamedTuple

WORDS = {
    *("sum", "min", "max", "avg", "count", "topk", "quantile", "rate", "increase", "delta", "time", "absent"),
    *(
        "absent_over_time",
        "last_over_time",
        "max_over_time",
        "min_over_time",
        "histogram_quantile",
        "vector",
        "clamp_max",
        "label_replace",
    ),
    *("and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"),
}
"""Functions and keywords; a word that is none of them is taken for a metric, so that a wrong one is found."""
GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
NOISE = re.compile(r"\[[^\]]*\]|(?<![\w:])[0-9][\w.]*")


class Selector(NamedTuple):
    """A metric, and the labels that its matchers name."""

    metric: str
    labels: frozenset[str]


def find_selectors(expression: str) -> list[Selector]:
    """Find every selector of an expression."""
    bare = NOISE.sub(" ", GROUPING.sub(" ", expression))
    return [
        Selector(name, frozenset(LABEL.findall(matchers)))
        for name, matchers in SELECTOR.findall(bare)
        if name not in WORDS
    ]

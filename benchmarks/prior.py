"""Learn how often each value occurs in ordinary repositories, and write it into the code.

`python -m benchmarks.prior --pulls DIR --files DIR` reads recorded pull requests (JSON lines by GitHub's REST names, a
file for each repository; those labelled as spam are left out), passes each repository through a history, trains the
network, and writes `steps/scoring/prior_curves.py`: curves over all repositories, without a text or a name.
"""

import argparse
import gzip
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pyarrow as pa

from steps.common.dataset import Repository, materialise
from steps.common.store import FolderStore
from steps.scoring import model, prior_curves, signals
from steps.scoring.arrays import Floats
from steps.scoring.calibration import Calibration
from steps.scoring.features import FEATURES, NAMES, own
from steps.scoring.history import History
from steps.scoring.prior import Curve
from steps.scoring.rarity import RANKED
from steps.scoring.scaling import Scales
from steps.train import autoencoder
from tests.support import builders

TARGET = Path(prior_curves.__file__)
WARM_UP = 300
"""The first pull requests of a repository, at most a third, meet a history that has learned too little."""
TEXTS = 300
SEED = 7
WIDTH = 100

Table = dict[str, Any]


def read(pulls: Path, files: Path | None) -> list[Table]:
    """Return the recorded pull requests of one repository as rows of PULL_SCHEMA, in the order of opening."""
    changed = {}
    if files and files.exists():
        for line in gzip.open(files, "rt"):
            one = json.loads(line)
            changed[one["number"]] = one["files"] if one["files"] or one["complete"] else None
    rows = [_row(record, changed.get(record["number"])) for record in map(json.loads, gzip.open(pulls, "rt"))]
    return sorted(rows, key=lambda row: (row["created_at"], row["number"]))

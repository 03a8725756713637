"""The same expressions give the same values on Spark and on Arrow."""

import narwhals as nw
import pyarrow as pa
import pytest

from steps.scoring.features import own
from steps.scoring.vectors import PULL_SCHEMA, with_own
from tests.support.pulls import pull, pulls

STRANGE = [
    pull(901, title="", body=""),
    pull(902, title="🚀 إصلاح الخطأ", body="שלום\n🚀🚀"),
    pull(903, title="Update README.md", additions=0, deletions=0, changed_files=0, commits=0),
    pull(904, additions=2**31 - 1, deletions=2**31 - 1, changed_files=2**31 - 1, commits=2**31 - 1),
    pull(905, title="  Fix TYPO  ", body="   \t "),
]


def test_golden_vectors_agree_on_both_engines() -> None:
    """To 1e-6, on ordinary and strange pull requests."""
    from steps.preprocess.spark import open_session

    given = [*pulls(200), *STRANGE]
    expected = with_own(given)
    added = [name for name in expected[0] if name not in PULL_SCHEMA.names]
    table = pa.Table.from_pylist(given, schema=PULL_SCHEMA)
    with open_session("local[1]") as spark:
        frame = nw.from_native(spark.createDataFrame(table)).with_columns(**own(nw.col)).to_native()
        found = {row["id"]: row for row in frame.select("id", *added).collect()}
    for row in expected:
        assert [found[row["id"]][name] for name in added] == pytest.approx([row[name] for name in added], abs=1e-6)

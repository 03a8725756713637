"""The names of datasets in lineage: they stay from run to run, their versions change, and none has a password."""

import pytest
from pydantic import SecretStr

from steps.common import lineage_names
from steps.common.dataset import DatasetFile, Manifest, RejectedDocuments
from steps.common.errors import ConfigurationError
from steps.common.lineage import LineageDataset
from steps.common.mongo import format_hosts
from steps.common.tracking_errors import format_url

SECRET = "hunter2"  # noqa: S105 - not a real one
HASH = "f" * 64


def build_manifest() -> Manifest:
    """A manifest with two files."""
    files = [
        DatasetFile(name=f"train/part-{number}.parquet", sha256="0", bytes=100, rows=10 + number) for number in range(2)
    ]
    return Manifest(
        version=2,
        hash=HASH,
        columns={"id": "string"},
        features=[],
        files=files,
        splits={"train": 21},
        repositories={},
        rejected=RejectedDocuments(count=0, share=0),
    )


@pytest.mark.parametrize(
    ("uri", "hosts"),
    [
        (f"mongodb://me:{SECRET}@Host/?authSource={SECRET}", "host:27017"),
        ("mongodb://127.0.0.1:5000", "127.0.0.1:5000"),
        (f"mongodb://me:{SECRET}@b.example:1,a.example/db", "a.example:27017,b.example:1"),
        (f"mongodb+srv://me:{SECRET}@cluster.example/?w=majority", "cluster.example"),
        ("mongodb://[::1]:5000/", "[::1]:5000"),
    ],
)
def test_a_mongodb_is_named_by_its_hosts(uri: str, hosts: str) -> None:
    """In one order, with the port that counts where none is named; a seed list by its name in DNS."""
    assert format_hosts(SecretStr(uri)) == hosts


def test_a_password_that_looks_like_a_host_is_not_taken_for_one() -> None:
    """It is refused, without being quoted."""
    with pytest.raises(ConfigurationError) as refused:
        format_hosts(SecretStr(f"mongodb://me:{SECRET}/{SECRET}@host/"))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        (f"https://me:{SECRET}@mlflow.example:8443/base?key={SECRET}", "https://mlflow.example:8443/base"),
        ("sqlite+pysqlite:////state/mlflow.db", "sqlite+pysqlite:////state/mlflow.db"),
        (f"postgresql://me:{SECRET}@db/mlflow?password={SECRET}#{SECRET}", "postgresql://db/mlflow"),
    ],
)
def test_an_mlflow_is_named_by_its_uri_without_secrets(uri: str, url: str) -> None:
    """Runs and models below it."""
    place = format_url(uri)
    assert place == url
    assert lineage_names.build_run(place, "pr-sentinel", "r-1") == LineageDataset(
        url, "experiments/pr-sentinel", "r-1", "runs:/r-1"
    )
    assert lineage_names.build_model_version(place, "pr-sentinel", "3") == LineageDataset(
        url, "models/pr-sentinel", "3", "models:/pr-sentinel/3"
    )


@pytest.mark.parametrize(
    ("store", "namespace", "name"),
    [
        ("s3://bucket/some/prefix", "s3://bucket", "some/prefix/datasets"),
        ("s3://bucket", "s3://bucket", "datasets"),
        ("file:///my%20state/store", "file", "/my state/store/datasets"),
    ],
)
def test_a_dataset_is_a_version_of_its_folder(store: str, namespace: str, name: str) -> None:
    """By its hash, with its columns and sizes."""
    uri = f"{store}/datasets/{HASH}"
    assert lineage_names.build_dataset(uri, build_manifest()) == LineageDataset(
        namespace, name, HASH, uri, rows=21, files=2, size=200, columns={"id": "string"}
    )


def test_other_files_of_the_store_are_versions_too() -> None:
    """A Bento by its tag, a report by its name."""
    assert lineage_names.build_bento("s3://bucket/bentos", "pr-sentinel:1-ab") == LineageDataset(
        "s3://bucket", "bentos", "pr-sentinel:1-ab"
    )
    report = "s3://bucket/drift/20260101T000000Z.html"
    assert lineage_names.build_file(report) == LineageDataset("s3://bucket", "drift", "20260101T000000Z.html", report)


def test_documents_are_named_by_database_and_collection() -> None:
    """A repository by GitHub's API and its name."""
    assert lineage_names.build_collection("host:27017", "db", "pull_requests", 3) == LineageDataset(
        "mongodb://host:27017", "db.pull_requests", rows=3
    )
    assert lineage_names.build_repository("https://api.github.com", "a/b") == LineageDataset(
        "https://api.github.com", "a/b"
    )

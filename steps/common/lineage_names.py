"""Names of what steps read and write, as OpenLineage's conventions have them; places come without user and password."""

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from steps.common.lineage import LineageDataset

if TYPE_CHECKING:
    from steps.common.dataset import Manifest


def build_repository(api_url: str, repository: str) -> LineageDataset:
    """Build a repository's pull requests on GitHub, `owner/name` below the URL of the API."""
    return LineageDataset(api_url, repository)


def build_collection(hosts: str, database: str, collection: str, rows: int | None = None) -> LineageDataset:
    """Build a collection of MongoDB, with the number of documents."""
    return LineageDataset(f"mongodb://{hosts}", f"{database}.{collection}", rows=rows)


def build_dataset(uri: str, manifest: "Manifest") -> LineageDataset:
    """Build a dataset in the store that is read or written as a whole, `<store>/datasets/<hash>`."""
    return build_file(uri)._replace(
        rows=sum(file.rows for file in manifest.files),
        files=len(manifest.files),
        size=sum(file.bytes for file in manifest.files),
        columns=manifest.columns,
    )


def build_file(uri: str) -> LineageDataset:
    """Build a file in the store, or a dataset of which a part is read, as a version of the folder that it is in."""
    folder, _, name = uri.rpartition("/")
    return LineageDataset(*_split_url(folder), name, uri)


def build_bento(folder: str, tag: str) -> LineageDataset:
    """Build the Bento of a model version, by its tag, in a folder of the store."""
    return LineageDataset(*_split_url(folder), tag)


def build_run(tracking_url: str, experiment: str, run_id: str) -> LineageDataset:
    """Build an MLflow run, as a version of its experiment."""
    return LineageDataset(tracking_url, f"experiments/{experiment}", run_id, f"runs:/{run_id}")


def build_model_version(tracking_url: str, model: str, version: str) -> LineageDataset:
    """Build a version of a registered model."""
    return LineageDataset(tracking_url, f"models/{model}", version, f"models:/{model}/{version}")


def _split_url(url: str) -> tuple[str, str]:
    """Split a folder's URL into namespace and name: `s3://bucket` and a key, or `file` and a path."""
    if url.startswith("file://"):
        return "file", unquote(url.removeprefix("file://"))
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/")

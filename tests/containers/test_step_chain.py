"""The steps' images one after the other, on generated pull requests: from GitHub to a registered model."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from mlflow import MlflowClient
from pymongo import MongoClient

from local.services import embedded, java
from steps.common.settings import StoreSettings
from steps.common.store import open_store
from steps.packaging import archive
from steps.register import package
from tests.containers.steps import Done, contained, local
from tests.support import servers
from tests.support.command_line import ROOT

REPOSITORIES = ["example/docs", "example/webshop"]


class Chain(NamedTuple):
    """The settings of the steps, and the result of each step."""

    settings: dict[str, str]
    fetched: list[Done]
    preprocessed: Done
    trained: Done
    registered: Done


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The embedded servers, as settings."""
    folder = tmp_path_factory.mktemp("parts")
    with ExitStack() as running:
        github = running.enter_context(embedded.sample_github(folder))
        endpoint = running.enter_context(servers.s3(folder))
        requests.put(f"{endpoint}/bucket", timeout=10).raise_for_status()
        yield {
            "GITHUB_TOKEN": github["GITHUB_TOKEN"],
            "GITHUB_API_URL": github["GITHUB_API_URL"],
            "MONGO_URI": running.enter_context(embedded.mongo(folder)),
            "STORE_URL": "s3://bucket/in-containers",
            "S3_ENDPOINT_URL": endpoint,
            "S3_ACCESS_KEY_ID": "an-id",
            "S3_SECRET_ACCESS_KEY": "a-secret",
            "MLFLOW_URI": running.enter_context(servers.mlflow(folder)),
        }


@pytest.fixture(scope="module")
def chain(parts: dict[str, str], images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Each step once, in its image."""
    folder = tmp_path_factory.mktemp("chain")

    def run(step: str, inputs: Mapping[str, Any], name: str = "") -> Done:
        done = contained(images[step], step, inputs, parts, folder / (name or step))
        assert done.code == 0, done.said
        return done

    fetched = [run("fetch", {"repository": name}, name.replace("/", "-")) for name in REPOSITORIES]
    preprocessed = run("preprocess", {"repositories": REPOSITORIES, "spark_master": "local[2]"})
    dataset = {"dataset_uri": preprocessed.outputs["dataset_uri"]}
    trained = run("train", dataset)
    given = {name: trained.outputs[name] for name in ("run_id", "model_uri")}
    return Chain(parts, fetched, preprocessed, trained, run("register", dataset | given))


def test_it_ends_with_a_registered_model(chain: Chain) -> None:
    """The champion, of the data that the steps before have handed on."""
    assert chain.registered.outputs["decision"] == "accepted", chain.registered.said
    champion = MlflowClient(chain.settings["MLFLOW_URI"]).get_model_version_by_alias("pr-sentinel", "champion")
    assert str(champion.version) == chain.registered.outputs["version"] == "1"
    assert champion.run_id == chain.trained.outputs["run_id"]
    assert champion.tags["data_hash"] == chain.preprocessed.outputs["data_hash"]
    assert champion.tags["git_commit"] == "a-commit"


def test_the_dataset_is_the_one_that_this_machine_makes(chain: Chain, tmp_path: Path) -> None:
    """Byte for byte, from documents fetched again, into a folder instead of a bucket."""
    own = {"MONGO_DB": "local", "STORE_URL": f"file://{tmp_path}/store", "JAVA_HOME": str(java.home(tmp_path / "java"))}
    here = chain.settings | own
    for number, repository in enumerate(REPOSITORIES):
        done = local("fetch", {"repository": repository}, here, tmp_path / str(number))
        assert done.code == 0, done.said
    done = local("preprocess", {"repositories": REPOSITORIES}, here, tmp_path / "preprocess")
    assert done.code == 0, done.said
    assert done.outputs["data_hash"] == chain.preprocessed.outputs["data_hash"]
    assert done.outputs["rows"] == chain.preprocessed.outputs["rows"]


def test_the_bento_holds_the_service_of_this_code(chain: Chain, tmp_path: Path) -> None:
    """The image that packs it has all that this working copy has."""
    settings: dict[str, Any] = {
        name.lower(): value for name, value in chain.settings.items() if name.startswith(("S3_", "STORE_"))
    }
    store = open_store(StoreSettings(**settings))
    champion = MlflowClient(chain.settings["MLFLOW_URI"]).get_model_version_by_alias("pr-sentinel", "champion")
    bento = archive.unpack(store, champion.tags["bento_key"], tmp_path)
    held = {
        path.relative_to(bento / "src").as_posix() for path in (bento / "src" / "steps").rglob("*") if path.is_file()
    }
    assert held == {path.relative_to(ROOT).as_posix() for path in package.list_files()}


def test_a_second_run_changes_nothing(chain: Chain, images: dict[str, str], tmp_path: Path) -> None:
    """Nothing is fetched that was there, and the dataset is found again without Spark."""
    with MongoClient[dict[str, Any]](chain.settings["MONGO_URI"]) as client:
        before = client["pr_sentinel"].pull_requests.count_documents({})
        again = contained(images["fetch"], "fetch", {"repository": REPOSITORIES[0]}, chain.settings, tmp_path / "fetch")
        assert (again.code, again.outputs["fetched"]) == (0, "0"), again.said
        assert client["pr_sentinel"].pull_requests.count_documents({}) == before
    inputs = {"repositories": REPOSITORIES, "spark_master": "nowhere"}
    done = contained(images["preprocess"], "preprocess", inputs, chain.settings, tmp_path / "preprocess")
    assert (done.code, done.outputs) == (0, chain.preprocessed.outputs), done.said


def test_no_secret_shows_in_what_they_say(chain: Chain) -> None:
    """Neither at the end nor on the way."""
    said = "".join(done.said for done in (*chain.fetched, chain.preprocessed, chain.trained, chain.registered))
    assert said
    assert chain.settings["S3_SECRET_ACCESS_KEY"] not in said

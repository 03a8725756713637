"""What the workflows of releases do, run from their own files against a fake GitHub and a real Git server."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from release.git import Clone
from release.images import SERVE
from steps.common.registry import PRODUCTION
from steps.common.tracking import REGISTERED_MODEL
from tests.integration.release.cluster import Cluster
from tests.support import actions, kubectl, mlflow_server
from tests.support.image_registry import Images, serve_folder
from tests.support.releases import HOST, NAME, Pulls, Repository, digest, no_objections, passed

pytestmark = [kubectl.needed, pytest.mark.slow]

Verify = Callable[[str, str], actions.Result]


@pytest.fixture
def contexts(repository: Repository) -> dict[str, Any]:
    """The contexts that all workflows have in common; the repository's address is that of the Git server."""
    github = {"token": "the-token-of-actions", "server_url": os.environ["SERVER"], "repository": NAME}
    secrets = dict.fromkeys(("STAGING_KUBECONFIG", "PRODUCTION_KUBECONFIG", "RELEASE_APP_PRIVATE_KEY"), "a secret")
    return {"github": github, "vars": {"RELEASE_APP_ID": "1"}, "secrets": secrets, "inputs": {}}


@pytest.fixture(scope="module")
def machines() -> dict[str, Path]:
    """The machine of each workflow that has run a job."""
    return {}


@pytest.fixture
def job(machine: Callable[[], Path], machines: dict[str, Path]) -> Callable[[str, str, dict[str, Any]], actions.Result]:
    """Run a job of a workflow: its first on a fresh machine, later ones where the first has installed the packages."""

    def run(workflow: str, name: str, contexts: dict[str, Any]) -> actions.Result:
        folder = machines.get(workflow) or machines.setdefault(workflow, machine())
        return actions.run_job(actions.read(workflow)["jobs"][name], contexts, folder, os.environ)

    return run


@pytest.fixture
def verify(
    repository: Repository, contexts: dict[str, Any], pulls: Pulls, job: Callable[..., actions.Result]
) -> Verify:
    """Run the required check of a pull request from a branch, with this body."""

    def run(head: str, body: str) -> actions.Result:
        owner, _, branch = head.rpartition(":")
        number = pulls.open(head, "main", body)
        pulls.control(heads={branch: repository.head(branch)})
        head_repository = f"{owner}/webshop" if owner else NAME
        return job(WORKFLOW, "verify", contexts | event(contexts, number, branch, head_repository))

    return run


def event(contexts: dict[str, Any], number: int, branch: str, head_repository: str = NAME) -> dict[str, Any]:
    """The context of the event of a pull request."""
    request = {"number": number, "head": {"ref": branch, "repo": {"full_name": head_repository}}}
    own = {"event_name": EVENT, "head_ref": branch, "event": {"pull_request": request}}
    return {"github": contexts["github"] | own}


WORKFLOW, EVENT = next(
    (path.name, event)
    for path in sorted(actions.WORKFLOWS.glob("*.yml"))
    for event in actions.read(path.name)[True]
    if event.startswith("pull_request") and "verify" in actions.read(path.name)["jobs"]
)


@pytest.fixture
def released(repository: Repository, clone: Clone, cluster_file: Path, images: Images) -> str:
    """Staging holds release 2, main releases 1 and 3 before it, and staging's cluster has passed; staging's commit."""
    for number in (3, 1):
        repository.release_built("staging", number, images)
        repository.merge("staging", "main")
    commit = repository.release_built("staging", 2, images)
    clone.refresh()
    cluster = Cluster(cluster_file, HOST)
    cluster.write(1, 2, active=2, stable=2, current=2)
    cluster.serve(clone.release(commit).images[SERVE], 2)
    cluster.say({"status": "Synced", "revision": commit}, passed(clone, commit))
    return commit


def evidence(clone: Clone, commit: str) -> str:
    from release import promotion

    return promotion.prepare(clone, passed(clone, commit), lambda _: None, NAME, no_objections).text


def branch(repository: Repository, name: str, path: str) -> None:
    """Push a branch from main on which a file has one line more."""
    repository.git("fetch", "--quiet", "origin")
    repository.git("checkout", "--quiet", "-B", name, "origin/main")
    with (repository.folder / path).open("a") as file:
        file.write("# one line more\n")
    repository.push(name, "a change")


def test_the_check_passes_what_staging_ran(clone: Clone, released: str, verify: Verify, pulls: Pulls) -> None:
    """The App says so on the very commit; a token that any workflow gets has no say."""
    done = verify("staging", evidence(clone, released))
    assert done.conclusion == "success", done.output
    assert [(one["state"], one["context"], one["commit"]) for one in pulls.statuses()] == [
        ("pending", "verify", released), ("success", "verify", released)
    ]  # fmt: skip
    assert "the-token-of-the-app" not in done.output


@pytest.mark.parametrize("path", ["gitops/base/images/kustomization.yaml", "hotfix"])
def test_the_check_fails_what_does_not_come_from_staging(
    path: str, repository: Repository, released: str, verify: Verify, pulls: Pulls
) -> None:
    """A skipped job would count as passed."""
    branch(repository, "feature", path)
    done = verify("feature", "Please merge.")
    assert done.conclusion == "failure", done
    assert pulls.statuses()[-1]["state"] == "failure"
    assert "neither staging nor the branch of a rollback" in pulls.statuses()[-1]["description"]


def test_the_check_fails_a_fork_whose_branch_is_called_staging(
    clone: Clone, released: str, verify: Verify, pulls: Pulls
) -> None:
    """Even with evidence copied from a real promotion, and at its commit."""
    done = verify("somebody:staging", evidence(clone, released))
    assert done.conclusion == "failure", done
    assert "comes from somebody/webshop" in pulls.statuses()[-1]["description"]


def test_the_check_fails_a_promotion_without_its_evidence(released: str, verify: Verify, pulls: Pulls) -> None:
    """Coming from staging is not enough."""
    assert verify("staging", "Trust me.").conclusion == "failure"
    assert [one["state"] for one in pulls.statuses()] == ["pending", "failure"]


@pytest.mark.parametrize("more", ["", "gitops/base/images/kustomization.yaml", "hotfix"])
def test_the_check_passes_a_rollback_and_nothing_else_in_its_branch(
    more: str, repository: Repository, clone: Clone, released: str, verify: Verify, pulls: Pulls, cluster_file: Path
) -> None:
    """Production's release of the version that the branch names; staging's cluster need not be there."""
    cluster_file.unlink()
    name = "rollback/version-3"
    from release import rollback

    head = clone.head("main")
    clone.push(rollback.commit_release(clone, head, rollback.find_in_history(clone, "3")), name, "")
    if more:
        repository.git("fetch", "--quiet", "origin")
        repository.git("checkout", "--quiet", "-B", "work", f"origin/{name}")
        path = repository.folder / more
        path.write_text((path.read_text() if path.is_file() else "") + f"# not {SERVE}\n")
        repository.push(name, "more")
    done = verify(name, "")
    assert done.conclusion == ("failure" if more else "success"), done.output
    assert pulls.statuses()[-1]["state"] == done.conclusion


@pytest.mark.parametrize("name", ["rollback/version-2", "rollback/version-1x"])
def test_the_check_fails_a_rollback_to_what_production_never_had(
    name: str, repository: Repository, released: str, verify: Verify, pulls: Pulls
) -> None:
    """Version 2 is staging's only; the others are not versions."""
    branch(repository, name, "hotfix")
    assert verify(name, "").conclusion == "failure"
    assert pulls.statuses()[-1]["state"] == "failure"


def test_a_promotion_opens_one_pull_request_that_the_check_passes(
    released: str,
    contexts: dict[str, Any],
    job: Callable[..., actions.Result],
    pulls: Pulls,
) -> None:
    """The workflow promote, twice; what it has written is what the workflow verify asks for."""
    for _ in range(2):
        done = job("promote.yml", "open", contexts)
        assert done.conclusion == "success", done.output
        (request,) = pulls.all()
        assert (request["head"]["ref"], request["base"]["ref"]) == ("staging", "main")
        assert f"Merge it to promote: {request['html_url']}" in done.output
        assert "the-token-of-the-app" not in done.output
    assert f"Promotes what staging ran at {released}." in request["body"]
    pulls.control(heads={"staging": released})
    done = job(WORKFLOW, "verify", contexts | event(contexts, request["number"], "staging"))
    assert done.conclusion == "success", done.output


def test_a_promotion_of_what_has_not_passed_opens_nothing(
    released: str,
    clone: Clone,
    contexts: dict[str, Any],
    job: Callable[..., actions.Result],
    cluster_file: Path,
    pulls: Pulls,
) -> None:
    """The workflow promote is red, and says why."""
    cluster = Cluster(cluster_file, HOST)
    runs = [one._replace(phase="Failed") for one in passed(clone, released)]
    cluster.say({"status": "Synced", "revision": released}, runs)
    done = job("promote.yml", "open", contexts)
    assert (done.conclusion, pulls.all()) == ("failure", [])
    assert "The promotion is refused" in done.output


def test_a_rollback_needs_nothing_but_kubectl_and_a_few_packages(
    repository: Repository,
    contexts: dict[str, Any],
    pulls: Pulls,
    job: Callable[..., actions.Result],
    cluster_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a compiler or a plugin: users get the earlier version, and once it is merged, it ends."""
    monkeypatch.setenv("REGISTRY_INSECURE", "true")
    registry = tmp_path / "registry"
    manifests = registry / "v2" / SERVE / "manifests"
    manifests.mkdir(parents=True)
    (manifests / digest(1)).write_text("{}")
    with serve_folder(registry) as host:
        for number in (1, 2):
            repository.release("staging", number, host=host)
            repository.merge("staging", "main")
        cluster = Cluster(cluster_file, host)
        cluster.write(1, 2, active=2, stable=2, current=2)
        by_hand = contexts | {"inputs": {"version": "1"}}
        by_hand["github"] = contexts["github"] | {"event_name": "workflow_dispatch"}
        done = job("rollback.yml", "rollback", by_hand)
        assert done.conclusion == "success", done.output
        assert (cluster.active, cluster.is_held) == ("hash1", True)
        (request,) = pulls.all()
        repository.merge(request["head"]["ref"], "main")
        merged = {"merged": True, "head": {"repo": {"full_name": NAME}}}
        by_merge = contexts | {"github": contexts["github"] | {
            "event_name": "pull_request", "head_ref": request["head"]["ref"], "event": {"pull_request": merged}
        }}  # fmt: skip
        done = job("rollback.yml", "rollback", by_merge)
        assert done.conclusion == "success", done.output
        assert not cluster.is_held


def test_the_alias_production_follows_users_and_nobody_else(
    repository: Repository,
    contexts: dict[str, Any],
    job: Callable[..., actions.Result],
    cluster_file: Path,
    tmp_path: Path,
) -> None:
    """Not before the live metrics have passed, and without a person; the job fails where it can't look."""
    for number in (1, 2):
        repository.release("staging", number)
        repository.merge("staging", "main")
    cluster = Cluster(cluster_file, HOST)
    registry = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    registry.create_registered_model(REGISTERED_MODEL)
    for _ in range(2):
        registry.create_model_version(REGISTERED_MODEL, f"file://{tmp_path}/model")
    registry.set_registered_model_alias(REGISTERED_MODEL, PRODUCTION, "1")
    with mlflow_server.serve(f"sqlite:///{tmp_path}/mlflow.db", tmp_path) as address:
        secrets = contexts["secrets"] | {"MLFLOW_URI": address, "PRODUCTION_READER_KUBECONFIG": "a secret"}
        found = contexts | {"secrets": secrets, "vars": {"REGISTRY_NAMESPACE": "example"}}
        for active, stable, recorded, said in (
            (1, 1, "1", "Nothing to record: main names version 2, but users get version 1."),
            (2, 1, "1", "Nothing to record: Users get version 2, but its live metrics have not passed yet."),
            (2, 2, "2", "Version 2 is recorded as production's."),
            (2, 2, "2", "Version 2 is recorded as production's."),
        ):
            cluster.write(1, 2, active=active, stable=stable, current=2)
            done = job("released.yml", "record", found)
            assert done.conclusion == "success", done.output
            assert said in done.output
            now = registry.get_model_version_by_alias(REGISTERED_MODEL, PRODUCTION).version
            assert str(now) == recorded
        cluster_file.write_text("{}")
        assert job("released.yml", "record", found).conclusion == "failure"
    assert job("released.yml", "record", found | {"vars": {}}).conclusion == "skipped"

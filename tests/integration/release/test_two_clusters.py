"""The release commands where staging and production are two clusters, with one Argo CD for both or one in each.

The real kubectl speaks to fake API servers, which allow what the committed Roles allow.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from release import rendering, rollback
from release.cluster import open_argo_cd, open_cluster
from release.images import SERVE, Release
from release.settings import ClusterSettings
from steps.common.errors import SentinelError
from steps.common.settings import load
from tests.integration.release.cluster import Cluster
from tests.integration.release.command import release
from tests.support import kubectl
from tests.support.api_server import ApiServer, serve
from tests.support.releases import HOST, ROOT, digest, model

pytestmark = [kubectl.needed, pytest.mark.slow]

CLUSTERS = ROOT / "gitops" / "clusters"
COMMIT = "c" * 40
READER, OPERATOR = "pr-sentinel-release-reader", "pr-sentinel-release-operator"
ARGO_CD = {"status": "Synced", "revision": COMMIT}
TRACKED = {"argocd.argoproj.io/tracking-id": "pr-sentinel-production:argoproj.io/Rollout:pr-sentinel/model-serving"}


class Place(NamedTuple):
    """A cluster: its state, and its API server."""

    cluster: Cluster
    api: ApiServer

    @property
    def asked(self) -> set[tuple[str, str]]:
        """The verbs and resources that were asked for."""
        return {(call.verb, call.resource) for _, call in self.api.calls}


class Places(NamedTuple):
    """Where staging, production and their Argo CDs are; these may be the same."""

    staging: Place
    production: Place
    staging_argo_cd: Place
    production_argo_cd: Place


@pytest.fixture(scope="session")
def access() -> dict[str, list[dict[str, Any]]]:
    """The Roles and RoleBindings of each committed kustomization."""
    names = ("staging", "production", "root", "single/staging", "single/production")
    rendered = {name: rendering.parse_documents(rendering.render(CLUSTERS / name)) for name in names}
    return {name: [one for one in found if one["kind"] in {"Role", "RoleBinding"}] for name, found in rendered.items()}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ExitStack]:
    """Servers of a test, which end with it; kubectl's caches are its own."""
    monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
    for name in ("STAGING", "PRODUCTION", "ARGO_CD"):
        monkeypatch.delenv(f"{name}_CONTEXT", raising=False)
    with ExitStack() as found:
        yield found


def build(folder: Path, name: str, access: Sequence[dict[str, Any]], stack: ExitStack) -> tuple[Place, str]:
    """Start a cluster with production's releases 1 to 3 and the analyses of the third; its server's URL too."""
    cluster = Cluster(folder / f"{name}.json", HOST)
    cluster.write(1, 2, 3, active=3, stable=3, current=3)
    state = cluster.state
    state["rollout"]["metadata"]["annotations"] = TRACKED
    cluster.path.write_text(json.dumps(state))
    cluster.say(ARGO_CD, [])
    place = Place(cluster, ApiServer(cluster.path, deepcopy(list(access))))
    return place, stack.enter_context(serve(place.api))


def write_kubeconfig(path: Path, contexts: dict[str, tuple[str, str]]) -> None:
    """Write a configuration of kubectl: for each context the server and the account; the current one leads nowhere."""
    contexts = {"nowhere": ("http://127.0.0.1:9", "nowhere/nobody"), **contexts}
    found = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "nowhere",
        "clusters": [
            {"name": name, "cluster": {"server": f"{server}/as/{account}"}}
            for name, (server, account) in contexts.items()
        ],
        "users": [{"name": name, "user": {}} for name in contexts],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(found))


@pytest.fixture(params=["one Argo CD for both", "one Argo CD in each"])
def places(
    request: pytest.FixtureRequest,
    access: dict[str, list[dict[str, Any]]],
    stack: ExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Places:
    """Two clusters, and the kubeconfig of somebody who reads staging's and operates production's."""
    is_hub = request.param == "one Argo CD for both"
    path = tmp_path / "kubeconfig"
    more = {name: [] if is_hub else access[f"single/{name}"] for name in ("staging", "production")}
    (staging, first), (production, second) = (
        build(tmp_path, name, access[name] + more[name], stack) for name in ("staging", "production")
    )
    contexts = {"one": (first, f"pr-sentinel/{READER}"), "two": (second, f"pr-sentinel/{OPERATOR}")}
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("STAGING_CONTEXT", "one")
    monkeypatch.setenv("PRODUCTION_CONTEXT", "two")
    if not is_hub:
        write_kubeconfig(path, contexts)
        return Places(staging, production, staging, production)
    for place in (staging, production):
        place.cluster.say(None, [])
    hub, third = build(tmp_path, "hub", access["root"], stack)
    monkeypatch.setenv("ARGO_CD_CONTEXT", "hub")
    write_kubeconfig(path, contexts | {"hub": (third, f"argocd/{READER}")})
    return Places(staging, production, hub, hub)


def act_as(places: Places, account: str) -> None:
    """Use another account at a hub, which knows both; in an environment's own cluster there is one for each."""
    path = Path(load(ClusterSettings).kubeconfig or "")
    path.write_text(path.read_text().replace(f"/as/argocd/{READER}", f"/as/argocd/{account}"))


def go_back() -> list[str]:
    """Bring production's Rollout back to version 2, and return what was reported."""
    said: list[str] = []
    settings = load(ClusterSettings)
    wanted = Release({SERVE: f"{HOST}/{SERVE}@{digest(2)}"}, model(2))
    production, argo_cd = open_cluster(settings, "production"), open_argo_cd(settings, "production")
    rollback.restore_rollout(production, argo_cd, wanted, said.append)
    return said


def test_analyses_are_read_from_staging_and_its_argo_cd(places: Places, tmp_path: Path) -> None:
    """And from nowhere else."""
    done = release(tmp_path, "analyses")
    assert done.returncode == 0, done.stdout + done.stderr
    assert places.staging.asked >= {("get", "rollouts"), ("list", "replicasets"), ("list", "analysisruns")}
    assert ("get", "applications") in places.staging_argo_cd.asked
    assert places.production.asked == set()


def test_a_rollback_pauses_production_s_argo_cd_and_changes_production(places: Places) -> None:
    """As the operator; staging is not touched."""
    act_as(places, OPERATOR)
    before = places.staging.cluster.state
    said = go_back()
    assert places.production.cluster.active == "hash2"
    assert places.production_argo_cd.cluster.is_held
    assert "Argo CD is paused for production until the pull request is merged." in said
    assert places.staging.cluster.state == before
    assert places.staging.asked == set()


def test_status_is_production_s_and_that_of_its_argo_cd(places: Places, tmp_path: Path) -> None:
    """It names the pause, wherever it was set."""
    act_as(places, OPERATOR)
    go_back()
    done = release(tmp_path, "status", GIT_REMOTE=str(tmp_path / "none"))
    assert "Rollout, active       version 2" in done.stdout, done.stdout
    assert "Argo CD is paused for production" in done.stdout
    assert places.staging.asked == set()


def test_the_reader_changes_nothing(places: Places) -> None:
    """Not even with the right context."""
    act_as(places, READER)
    path = Path(load(ClusterSettings).kubeconfig or "")
    path.write_text(path.read_text().replace(OPERATOR, READER))
    before = places.production.cluster.state
    with pytest.raises(SentinelError, match="forbidden"):
        go_back()
    assert places.production.cluster.state["rollout"] == before["rollout"]
    assert not any(verb == "patch" for place in places for verb, _ in place.asked)


RULES = [
    ("analyses", "staging", "rollouts", "get"),
    ("analyses", "staging", "analysisruns", "list"),
    ("analyses", "staging", "replicasets", "list"),
    ("analyses", "staging_argo_cd", "applications", "get"),
    ("rollback", "production", "rollouts", "get"),
    ("rollback", "production", "rollouts", "patch"),
    ("rollback", "production", "rollouts/status", "get"),
    ("rollback", "production", "rollouts/status", "patch"),
    ("rollback", "production", "replicasets", "list"),
    ("rollback", "production_argo_cd", "applications", "get"),
    ("rollback", "production_argo_cd", "applications", "patch"),
]


@pytest.mark.parametrize(("command", "place", "resource", "verb"), RULES)
@pytest.mark.parametrize("places", ["one Argo CD for both"], indirect=True)
def test_every_permission_of_the_accounts_is_needed(
    command: str, place: str, resource: str, verb: str, places: Places, tmp_path: Path
) -> None:
    """Without it the command fails; together they are all that the Roles grant."""
    account = READER if command == "analyses" else OPERATOR
    act_as(places, account)
    found = getattr(places, place)
    for role in found.api.access:
        for rule in role["rules"] if role["kind"] == "Role" and role["metadata"]["name"] == account else ():
            if resource in rule["resources"]:
                rule["verbs"] = [one for one in rule["verbs"] if one != verb]
    if command == "analyses":
        assert release(tmp_path, "analyses").returncode != 0
    else:
        with pytest.raises(SentinelError):
            go_back()


def test_the_accounts_have_no_other_permissions(access: dict[str, list[dict[str, Any]]]) -> None:
    """Than those that are needed."""
    granted = {
        (one["metadata"]["name"], resource, verb)
        for one in [*access["production"], *access["root"]]
        if one["kind"] == "Role" and one["metadata"]["name"] in {READER, OPERATOR}
        for rule in one["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == {
        (READER if command == "analyses" else OPERATOR, resource, verb) for command, _, resource, verb in RULES
    }


@pytest.mark.parametrize("places", ["one Argo CD for both"], indirect=True)
def test_a_rollback_that_argo_cd_would_undo_is_refused_at_once(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Production's Rollout is Argo CD's, but its application is looked for in the wrong cluster."""
    monkeypatch.delenv("ARGO_CD_CONTEXT")
    account = {"kind": "ServiceAccount", "namespace": "pr-sentinel", "name": OPERATOR}
    places.production.api.access += deepcopy(places.staging_argo_cd.api.access)
    for one in places.production.api.access:
        if one["kind"] == "RoleBinding" and one["metadata"]["namespace"] == "argocd":
            one["subjects"].append(account)
    before = places.production.cluster.state
    with pytest.raises(SentinelError, match="ARGO_CD_CONTEXT"):
        go_back()
    assert places.production.cluster.state == before

"""Each step's account may do what its step needs, and nothing else."""

import pytest

from tests.support import manifests

RESULTS = {("argoproj.io", "workflowtaskresults"): {"create", "patch"}}
EXECUTORS = {("", "pods"): {"create", "get", "list", "watch", "delete", "deletecollection"}}
MAY = {
    "pr-sentinel-fetch": RESULTS,
    "pr-sentinel-preprocess": RESULTS | EXECUTORS,
    "pr-sentinel-train": RESULTS,
    "pr-sentinel-register": RESULTS,
    "pr-sentinel-monitor": RESULTS
    | {("argoproj.io", "workflows"): {"create", "list"}, ("argoproj.io", "cronworkflows pr-sentinel"): {"get"}},
    "pr-sentinel-checks": {
        ("", "services"): {"get"},
        ("", "pods"): {"get"},
        ("discovery.k8s.io", "endpointslices"): {"list"},
    },
    "pr-sentinel-release-reader": {
        ("argoproj.io", "rollouts"): {"get"},
        ("argoproj.io", "analysisruns"): {"list"},
        ("apps", "replicasets"): {"list"},
    },
    "pr-sentinel-release-operator": {
        ("argoproj.io", "rollouts"): {"get", "patch"},
        ("argoproj.io", "rollouts/status"): {"get", "patch"},
        ("apps", "replicasets"): {"list"},
    },
}


def granted(role: manifests.Document) -> dict[tuple[str, str], set[str]]:
    """What a role grants, and on which names if not on all."""
    assert all(rule.keys() - {"resourceNames"} == {"apiGroups", "resources", "verbs"} for rule in role["rules"])
    return {
        (group, " ".join([resource, *rule.get("resourceNames", [])])): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_each_role_grants_exactly_what_its_step_needs() -> None:
    """No step without one, and besides only for those who release; `test_two_clusters.py` shows what these need."""
    assert {role["metadata"]["name"]: granted(role) for role in manifests.of_kind("Role")} == MAY


def test_each_role_is_its_own_accounts_alone() -> None:
    """By name, in the same namespace."""
    bound = {
        binding["roleRef"]["name"]: [(who["kind"], who["namespace"], who["name"]) for who in binding["subjects"]]
        for binding in manifests.of_kind("RoleBinding")
    }
    assert bound == {name: [("ServiceAccount", "pr-sentinel", name)] for name in MAY}


def test_nothing_is_granted_in_the_whole_cluster() -> None:
    """Neither role nor binding."""
    assert not manifests.of_kind("ClusterRole")
    assert not manifests.of_kind("ClusterRoleBinding")


@pytest.mark.parametrize("account", manifests.of_kind("ServiceAccount"), ids=lambda each: each["metadata"]["name"])
def test_no_account_gives_its_token_away(account: manifests.Document) -> None:
    """A pod has the tokens that it mounts."""
    assert account["automountServiceAccountToken"] is False


def test_every_pod_has_an_account_that_is_there() -> None:
    """A name that nobody made would keep the pod from being created."""
    there = {account["metadata"]["name"] for account in manifests.of_kind("ServiceAccount")}
    outside = {name for name in there if name.startswith("pr-sentinel-release-")}
    assert {pod["spec"]["serviceAccountName"] for pod in manifests.pods()} == there - {"default"} - outside

"""Who may connect to whom: every pair of pods, services and places outside, on every port that is in use."""

from collections.abc import Callable
from copy import deepcopy
from itertools import product
from typing import Any

import pytest

from tests.support import manifests
from tests.support.network import Place, Policy, allowed

POLICIES = manifests.of_kind("NetworkPolicy")
STEPS = ("fetch", "preprocess", "executor", "train", "register", "monitor", "serve", "checks")
BACKING = {"mongodb": 27017, "versitygw": 7070, "mlflow": 5000, "vault": 8200}
PORTS = (22, 53, 80, 443, 3000, 6443, 7078, 7079, *BACKING.values())
ELSEWHERE = "somebody else's mongodb"
PLACES = {
    **{name: Place("pr-sentinel", {"app.kubernetes.io/component": name}) for name in STEPS},
    **{name: Place("pr-sentinel-backing", {"app.kubernetes.io/name": name}) for name in BACKING},
    "a pod without labels": Place("pr-sentinel"),
    "ingress": Place("ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
    "prometheus": Place("monitoring", {"app.kubernetes.io/name": "prometheus"}),
    ELSEWHERE: Place("default", {"app.kubernetes.io/name": "mongodb"}),
    "dns": Place("kube-system", {"k8s-app": "kube-dns"}),
    "dns on the node": Place(address="169.254.20.10"),
    "the cloud's metadata": Place(address="169.254.169.254"),
    "the API server": Place(address="10.96.0.1"),
    "github": Place(address="140.82.112.5"),
    "github by IPv6": Place(address="2606:50c0:8000::154"),
    "a private IPv6 address": Place(address="fd00::1"),
}
MAY: dict[tuple[str, str], set[int]] = {
    **{(step, where): {443} for step in ("fetch", "register", "serve") for where in ("github", "github by IPv6")},
    **{(step, "mongodb"): {27017} for step in ("fetch", "preprocess", "executor", "monitor", "serve", "checks")},
    **{(who, "serve"): {3000} for who in ("checks", "ingress", "prometheus")},
    **{(step, "versitygw"): {7070} for step in ("preprocess", "executor", "train", "register", "monitor")},
    **{(step, "mlflow"): {5000} for step in ("train", "register", "monitor")},
    **{(step, "vault"): {8200} for step in STEPS if step != "executor"},
    **{(step, "the API server"): {443, 6443} for step in STEPS if step not in ("executor", "serve")},
    **{(who, where): {53} for who in (*STEPS, "a pod without labels") for where in ("dns", "dns on the node")},
    ("executor", "preprocess"): {7078, 7079},
    ("preprocess", "executor"): {7079},
    ("executor", "executor"): {7079},
}
INSIDE = [name for name, place in PLACES.items() if place.namespace == "pr-sentinel"]
PAIRS = [pair for pair in product(PLACES, PLACES) if set(pair) & set(INSIDE)]


def ports(policies: list[Policy], source: str, target: str) -> set[int]:
    """On which ports one may connect to the other."""
    return {port for port in PORTS if allowed(policies, PLACES[source], PLACES[target], port)}


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=" to ".join)
def test_a_pair_may_connect_where_the_table_says_so_and_nowhere_else(source: str, target: str) -> None:
    """Everything that one end or the other has in this namespace."""
    assert ports(POLICIES, source, target) == MAY.get((source, target), set())


def test_names_are_asked_for_by_datagram_too() -> None:
    """As nearly always."""
    assert allowed(POLICIES, PLACES["fetch"], PLACES["dns"], 53, "UDP")
    assert not allowed(POLICIES, PLACES["fetch"], PLACES["github"], 443, "UDP")


@pytest.mark.parametrize(
    ("change", "source", "target", "found"),
    [
        (lambda these: these.remove(these[0]), "github", "train", set(PORTS)),
        (lambda these: spec(these, "train")["podSelector"].clear(), "fetch", "mlflow", {5000}),
        (lambda these: spec(these, "preprocess").pop("ingress"), "executor", "preprocess", set()),
        (lambda these: spec(these, "fetch")["egress"].append({}), "fetch", "vault", set(PORTS)),
        (lambda these: rule(these, "fetch", 0).pop("ports"), "fetch", "github", set(PORTS)),
        (lambda these: rule(these, "fetch", 1).pop("to"), "fetch", "github", {443, 27017}),
        (lambda these: peer(these, "fetch", 0)["ipBlock"].pop("except"), "fetch", "the cloud's metadata", {443}),
        (lambda these: peer(these, "fetch", 1).pop("namespaceSelector"), "fetch", "mongodb", set()),
        (lambda these: peer(these, "preprocess", 0).pop("podSelector"), "preprocess", "mlflow", {27017}),
        (lambda these: peer(these, "preprocess", 0)["namespaceSelector"].clear(), "preprocess", ELSEWHERE, {27017}),
    ],
)
def test_a_change_of_a_policy_shows(
    change: Callable[[list[Policy]], Any], source: str, target: str, found: set[int]
) -> None:
    """One change each, after which the table would no longer hold."""
    policies = deepcopy(POLICIES)
    change(policies)
    assert ports(policies, source, target) == found != MAY.get((source, target), set())


def spec(policies: list[Policy], name: str) -> Any:
    """One policy's."""
    return next(policy["spec"] for policy in policies if policy["metadata"]["name"] == name)


def rule(policies: list[Policy], name: str, number: int) -> Any:
    """One of its rules for going out."""
    return spec(policies, name)["egress"][number]


def peer(policies: list[Policy], name: str, number: int) -> Any:
    """The first that the rule lets it connect to."""
    return rule(policies, name, number)["to"][0]

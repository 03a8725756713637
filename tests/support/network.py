"""Which connections network policies allow, worked out as a network plugin would."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

NAMESPACE = "kubernetes.io/metadata.name"
Policy = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A pod, by its namespace and labels, or an address outside of all namespaces."""

    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""


def allowed(policies: list[Policy], source: Place, target: Place, port: int, protocol: str = "TCP") -> bool:
    """Whether both ends let the connection pass."""
    return _passes(policies, "Egress", source, target, port, protocol) and _passes(
        policies, "Ingress", target, source, port, protocol
    )


def _passes(policies: list[Policy], way: str, own: Place, other: Place, port: int, protocol: str) -> bool:
    """Whether one end does; where no policy chooses it for this way, it lets everything pass."""
    choosing = [policy["spec"] for policy in policies if _chooses(policy, way, own)]
    rules = [rule for spec in choosing for rule in spec.get(way.lower(), [])]
    peers = "to" if way == "Egress" else "from"
    return not choosing or any(
        (peers not in rule or any(_is_peer(peer, own.namespace, other) for peer in rule[peers]))
        and ("ports" not in rule or any(_is_port(entry, port, protocol) for entry in rule["ports"]))
        for rule in rules
    )


def _chooses(policy: Policy, way: str, place: Place) -> bool:
    there = place.namespace and policy["metadata"]["namespace"] == place.namespace
    return bool(there and way in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], place.labels))


def _is_peer(peer: Policy, namespace: str, other: Place) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        return bool(other.address) and _within(other.address, block["cidr"], *block.get("except", []))
    spaces = peer.get("namespaceSelector", {"matchLabels": {NAMESPACE: namespace}})
    return bool(
        other.namespace
        and selects(spaces, {NAMESPACE: other.namespace})
        and selects(peer.get("podSelector", {}), other.labels)
    )


def _within(address: str, block: str, *holes: str) -> bool:
    is_in = [ip_address(address) in ip_network(network) for network in (block, *holes)]
    return is_in[0] and not any(is_in[1:])


def _is_port(entry: Policy, port: int, protocol: str) -> bool:
    first = int(entry["port"])
    return bool(entry.get("protocol", "TCP") == protocol and first <= port <= int(entry.get("endPort", first)))


def selects(selector: Policy, labels: dict[str, str]) -> bool:
    """Whether a label selector chooses these labels; an empty one chooses all."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(_fits(term, labels) for term in selector.get("matchExpressions", []))


def _fits(term: Policy, labels: dict[str, str]) -> bool:
    value = labels.get(term["key"])
    match term["operator"]:
        case "In":
            return value in term["values"]
        case "NotIn":
            return value not in term["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"no such operator: {term['operator']}")

"""Prometheus' own configuration for what PodMonitors describe, as the Prometheus Operator would write it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

META = "__meta_kubernetes_pod"
MONITOR_FIELDS = {"namespaceSelector", "selector", "podTargetLabels", "podMetricsEndpoints"}
ENDPOINT_FIELDS = {"port", "path", "scheme", "interval", "tlsConfig"}
Fields = dict[str, Any]


def build_scrape_configs(
    monitors: Iterable[Mapping[str, Any]], namespaces: Mapping[str, str], interval: str
) -> list[Fields]:
    """Build a scrape configuration for each endpoint.

    Args:
        monitors: PodMonitors as they are committed.
        namespaces: other names of namespaces, where a test has its own.
        interval: replaces every other one.

    Raises:
        ValueError: a monitor has a field that this does not know.
    """
    return [
        _build(monitor, endpoint, namespaces, interval)
        for monitor in monitors
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
    ]


def _build(monitor: Mapping[str, Any], endpoint: Fields, namespaces: Mapping[str, str], interval: str) -> Fields:
    spec, own = monitor["spec"], monitor["metadata"]
    if unknown := (spec.keys() - MONITOR_FIELDS) | (endpoint.keys() - ENDPOINT_FIELDS):
        raise ValueError(f"{own['name']}: {', '.join(sorted(unknown))} can't be translated")
    chosen = spec.get("namespaceSelector", {}).get("matchNames", [own["namespace"]])
    secure = endpoint.get("tlsConfig", {}).get("insecureSkipVerify", False)
    return {
        "job_name": f"{own['namespace']}/{own['name']}",
        "scrape_interval": interval,
        "scrape_timeout": interval,
        "metrics_path": endpoint["path"],
        "scheme": endpoint.get("scheme", "http"),
        "tls_config": {"insecure_skip_verify": secure},
        "kubernetes_sd_configs": [
            {"role": "pod", "namespaces": {"names": [namespaces.get(name, name) for name in chosen]}}
        ],
        "relabel_configs": [
            *(_keep(_label(name), value) for name, value in spec["selector"]["matchLabels"].items()),
            _keep(f"{META}_container_port_name", endpoint["port"]),
            _keep(f"{META}_phase", "Running"),
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": [f"{META}_name"], "target_label": "pod"},
            *(
                {"source_labels": [_label(name)], "target_label": _sanitise(name)}
                for name in spec.get("podTargetLabels", ())
            ),
        ],
    }


def _keep(label: str, value: str) -> Fields:
    return {"source_labels": [label], "regex": re.escape(value), "action": "keep"}


def _label(name: str) -> str:
    return f"{META}_label_{_sanitise(name)}"


def _sanitise(name: str) -> str:
    """Return the name as Prometheus writes labels."""
    return re.sub(r"\W", "_", name)

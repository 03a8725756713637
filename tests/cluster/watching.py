"""A Prometheus on the cluster that reads the committed PodMonitors and rules, whose time runs faster.

Divided are the waits of the rules: `for`, ranges, and what ages are compared with. Metrics, labels, thresholds and
the rest of every expression are those of the repository. Prometheus looks each second.
"""

from datetime import datetime
from typing import Any

import requests
import yaml

from monitoring.rules import load_groups
from tests.cluster import kube
from tests.support import manifests
from tests.support.hurried_rules import hurry
from tests.support.scraping import build_scrape_configs

NAMESPACE = "monitoring"
INTERVAL = "1s"
FACTORS = {
    "pr-sentinel-service": 60,
    "pr-sentinel-model": 720,
    # A run takes minutes, and what the alerts remember of it has to outlast the tests.
    "pr-sentinel-pipeline": 60,
    "PRSentinelRunMissed": 360,
    "PRSentinelDrift": 1_440,
    "PRSentinelDriftUnseen": 1_440,
    "pr-sentinel-release": 60,
}
"""How many times as fast the alerts are, by their names or those of their groups."""
REAL_AGES = {"PRSentinelModelStale"}
"""The age of a model's data is what it is."""
MONITORS = manifests.BASE / "monitoring" / "pod-monitors.yaml"


def configure(service: str) -> dict[str, str]:
    """Return the files of Prometheus; `service` is the namespace that has the service here."""
    monitors = yaml.safe_load_all(MONITORS.read_text("utf-8"))
    configuration = {
        "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["/config/rules.yml"],
        "scrape_configs": build_scrape_configs(monitors, {kube.PIPELINE: service}, INTERVAL),
    }
    groups = hurry(load_groups(), FACTORS, REAL_AGES)
    return {"prometheus.yml": yaml.safe_dump(configuration), "rules.yml": yaml.safe_dump({"groups": groups})}


class Alerts:
    """The alerts, as Prometheus has them."""

    def __init__(self, address: str) -> None:
        self._address = f"http://{address}"

    def wait_until_firing(self, name: str) -> None:
        """Wait until an alert fires."""
        kube.wait(lambda: self._find(name)["state"] == "firing", f"{name} to fire; now: {self._find(name)}")

    def wait_until_silent(self, name: str) -> None:
        """Wait until an alert neither fires nor is about to."""
        kube.wait(lambda: self._find(name)["state"] == "inactive", f"{name} to end; now: {self._find(name)}")

    def is_silent(self, name: str) -> bool:
        """Return whether an alert neither fires nor is about to, by an evaluation that begins after this call."""
        return self.evaluate(name) == "inactive"

    def evaluate(self, name: str) -> str:
        """Wait for another evaluation of an alert; whether it is `firing`, `pending` or `inactive`."""
        before = self._evaluated_at(name)
        kube.wait(lambda: self._evaluated_at(name) > before, f"another evaluation of {name}")
        return str(self._find(name)["state"])

    def query(self, expression: str) -> list[float]:
        """Return the values that an expression has now."""
        found = self._get("query", query=expression)["result"]
        return [float(one["value"][1]) for one in found]

    def _evaluated_at(self, name: str) -> datetime:
        return datetime.fromisoformat(self._find(name)["lastEvaluation"])

    def _find(self, name: str) -> dict[str, Any]:
        groups = self._get("rules", type="alert")["groups"]
        (rule,) = (rule for group in groups for rule in group["rules"] if rule["name"] == name)
        assert rule["health"] != "err", rule["lastError"]
        return dict(rule)

    def _get(self, path: str, **parameters: str) -> Any:
        answer = requests.get(f"{self._address}/api/v1/{path}", parameters, timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]

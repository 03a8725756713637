"""A Prometheus without the Operator reads the PodMonitors as the Operator would write them for it."""

from pathlib import Path

import pytest
import yaml

from tests.cluster.watching import MONITORS, configure
from tests.support.promtool import run_promtool
from tests.support.scraping import Fields, build_scrape_configs


def monitors() -> list[Fields]:
    """Return the committed ones."""
    return list(yaml.safe_load_all(MONITORS.read_text("utf-8")))


def test_prometheus_reads_the_configuration(tmp_path: Path) -> None:
    """With the rules in it."""
    for name, text in configure("elsewhere").items():
        (tmp_path / name).write_text(text.replace("/config/", f"{tmp_path}/"))
    done = run_promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_monitor_is_scraped_where_its_pods_are() -> None:
    """A namespace may have another name in a test."""
    found = build_scrape_configs(monitors(), {"pr-sentinel": "elsewhere"}, "1s")
    places = {one["job_name"]: one["kubernetes_sd_configs"][0]["namespaces"]["names"] for one in found}
    assert places == {
        "pr-sentinel/model-serving": ["elsewhere"],
        "pr-sentinel/workflow-controller": ["argo"],
        "pr-sentinel/rollouts-controller": ["argo-rollouts"],
    }


def test_pods_are_chosen_by_label_and_port_and_keep_their_revision() -> None:
    """The label by which an analysis tells revisions apart."""
    (service, *_) = build_scrape_configs(monitors(), {}, "1s")
    kept = {one["source_labels"][0]: one["regex"] for one in service["relabel_configs"] if one.get("action") == "keep"}
    assert kept["__meta_kubernetes_pod_label_app_kubernetes_io_name"] == r"model\-serving"
    assert kept["__meta_kubernetes_pod_container_port_name"] == "http"
    assert {one.get("target_label") for one in service["relabel_configs"]} >= {"rollouts_pod_template_hash", "pod"}


def test_a_field_that_is_not_known_is_refused() -> None:
    """It would be left out, and other pods or metrics would be read."""
    (first, *_) = monitors()
    first["spec"]["podMetricsEndpoints"][0]["metricRelabelings"] = []
    with pytest.raises(ValueError, match="metricRelabelings can't be translated"):
        build_scrape_configs([first], {}, "1s")

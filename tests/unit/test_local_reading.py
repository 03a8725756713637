"""Templates with features that the local engine does not support are rejected before anything starts."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.engine import template_reader
from steps.common.errors import ConfigurationError
from workflows import render

Document = dict[str, Any]
COMMITTED = yaml.safe_load(render.TEMPLATE.read_text("utf-8"))


def template(document: Document, name: str) -> Document:
    """One template of the document."""
    return next(entry for entry in document["spec"]["templates"] if entry["name"] == name)


def task(document: Document, name: str) -> Document:
    """One task of the graph."""
    return next(entry for entry in template(document, "main")["dag"]["tasks"] if entry["name"] == name)


def changed(change: Callable[[Document], object], path: Path) -> Path:
    """The committed template with one change, in a file."""
    document = deepcopy(COMMITTED)
    change(document)
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    ("template", "name"),
    [(template_reader.TEMPLATE, "pr-sentinel"), (template_reader.MONITOR_TEMPLATE, "pr-sentinel-monitor")],
)
def test_the_committed_templates_are_supported(template: Path, name: str) -> None:
    """Both run locally, whole."""
    assert template_reader.read(template).metadata.name == name


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d["spec"].update(suspend=True), "spec.suspend: is not supported"),
        (lambda d: d["spec"].update(volumeClaimTemplates=[]), "spec.volumeClaimTemplates: is not supported"),
        (lambda d: d["spec"].update(synchronization={"mutexes": []}), "spec.synchronization: is not supported"),
        (lambda d: d["spec"]["hooks"].update(running={"template": "conclude"}), "spec.hooks.running: is not supported"),
        (lambda d: d["spec"].update(entrypoint="fetch"), "fetch is not a DAG template"),
        (lambda d: template(d, "train").update(memoize={"key": "x"}), "memoize: is not supported"),
        (lambda d: template(d, "train").update(sidecars=[{"name": "x"}]), "sidecars: is not supported"),
        (lambda d: template(d, "train")["script"].update(command=["bash"]), "script.command.0"),
        (lambda d: template(d, "train")["script"].update(livenessProbe={}), "script.livenessProbe: is not supported"),
        (lambda d: template(d, "train")["script"].update(source="print(1)"), "script.source"),
        (
            lambda d: template(d, "train")["script"]["env"][0].update(valueFrom={"secretKeyRef": {}}),
            "env.0.valueFrom.secretKeyRef: is not supported",
        ),
        (lambda d: template(d, "train")["retryStrategy"].update(retryPolicy="OnError"), "retryPolicy"),
        (
            lambda d: template(d, "train")["retryStrategy"].update(affinity={}),
            "retryStrategy.affinity: is not supported",
        ),
        (
            lambda d: template(d, "train")["retryStrategy"].update(expression="lastRetry.status == 'Error'"),
            "the expression \"lastRetry.status == 'Error'\" is not supported",
        ),
        (lambda d: template(d, "train")["retryStrategy"]["backoff"].update(duration="1m"), "backoff.duration"),
        (
            lambda d: template(d, "train")["outputs"]["parameters"][0]["valueFrom"].update(path="/elsewhere/run_id"),
            "/elsewhere/run_id",
        ),
        (
            lambda d: template(d, "train")["inputs"].update(artifacts=[{"name": "x"}]),
            "inputs.artifacts: is not supported",
        ),
        (lambda d: template(d, "main").update(retryStrategy={"limit": 1}), "retryStrategy: is not supported"),
        (lambda d: template(d, "main")["dag"].update(failFast=False), "dag.failFast: is not supported"),
        (lambda d: task(d, "train").update(continueOn={"failed": True}), "continueOn: is not supported"),
        (lambda d: task(d, "train").update(when="1 < 2"), "the condition '1 < 2' is not supported"),
        (lambda d: task(d, "train").update(depends="fetch || preprocess"), "'fetch || preprocess' is not supported"),
        (lambda d: task(d, "train").update(depends="nobody"), "task train: depends on nobody"),
        (lambda d: task(d, "discover").update(depends="register"), "circular dependency"),
        (lambda d: task(d, "train").update(template="nothing"), "task train: nothing is not a container template"),
        (lambda d: task(d, "fetch").update(withSequence={"count": 2}), "withSequence: is not supported"),
        (lambda d: task(d, "fetch").update(withParam="{{=jsonpath(x)}}"), "{{=jsonpath(x)}} is not supported"),
        (
            lambda d: task(d, "fetch").update(withParam="{{workflow.parameters.none}}"),
            "is not an argument of the workflow",
        ),
        (lambda d: task(d, "train").update(when="{{tasks.fetch.outputs.parameters.no}} == 1"), "is not an output"),
        (
            lambda d: task(d, "train").update(when="{{tasks.fetch.outputs.parameters.fetched}} == 1"),
            "aggregates the outputs of a fan-out",
        ),
    ],
)
def test_an_unsupported_feature_is_named(change: Callable[[Document], object], named: str, tmp_path: Path) -> None:
    """One change each, as someone might make it without considering the local run."""
    with pytest.raises(ConfigurationError) as refusal:
        template_reader.read(changed(change, tmp_path / "template.yaml"))
    assert named in refusal.value.problem
    assert "Argo Workflows" in refusal.value.advice

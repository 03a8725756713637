"""Preprocess with Spark's executors in pods of their own: the dataset is the one that is made without them."""

from typing import Any

from tests.cluster import kube
from tests.cluster.argo import ENDED, Run, submit, unlike_any_before
from tests.cluster.project import REPOSITORIES

SPARK_MASTER = "k8s://https://kubernetes.default.svc"
CHOSEN = ("--selector", "app.kubernetes.io/component=executor")
WORKS = "Running task"


def run_on_executors() -> Run:
    """A run that ends with a dataset, and has to make it."""
    return submit(*REPOSITORIES, **unlike_any_before(), train="false", spark_master=SPARK_MASTER)


def executors() -> list[dict[str, Any]]:
    """The executors' pods."""
    return list(kube.get("pods", *CHOSEN)["items"])


def working(run: Run) -> dict[str, Any]:
    """Wait until an executor has work; its pod."""

    def look() -> dict[str, Any] | None:
        assert run.phase() not in ENDED, run.shown()
        for pod in executors():
            logs = kube.attempt("logs", pod["metadata"]["name"])
            if WORKS in logs.stdout:
                return pod
        return None

    return kube.wait(look, f"an executor of {run.name} at work")


def test_the_dataset_is_the_one_that_is_made_without_executors(first_run: Run) -> None:
    """By its hash. They are pods of preprocess's own image, as an account without rights, and go at the end."""
    run = run_on_executors()
    pod = working(run)
    (container,) = pod["spec"]["containers"]
    driver = kube.get("pod", run.running("preprocess"))
    images = {one["name"]: one["image"] for one in driver["spec"]["containers"]}
    assert container["image"] == images["main"]
    assert pod["spec"]["serviceAccountName"] == "pr-sentinel-executor"
    assert pod["metadata"]["ownerReferences"][0]["uid"] == driver["metadata"]["uid"]
    run.succeeded()
    assert run.outputs("preprocess") == first_run.outputs("preprocess")
    kube.wait(lambda: not executors(), "the end of the executors")


def test_an_executor_that_is_killed_at_work_is_replaced(first_run: Run) -> None:
    """Spark itself does so, without another try of the step, and the dataset is the same."""
    run = run_on_executors()
    name = working(run)["metadata"]["name"]
    before = {pod["metadata"]["uid"] for pod in executors()}
    kube.kubectl("delete", "pod", name, "--grace-period=0", "--force")
    kube.wait(lambda: {pod["metadata"]["uid"] for pod in executors()} - before, "another executor")
    run.succeeded()
    assert [node["phase"] for node in run.pods("preprocess")] == ["Succeeded"]
    assert run.outputs("preprocess") == first_run.outputs("preprocess")

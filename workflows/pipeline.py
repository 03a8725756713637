"""The WorkflowTemplate: discover, fetch each repository, preprocess, train, register; then record the outcome."""

from typing import Any

from hera.workflows import DAG, Parameter, Script, Task, WorkflowTemplate
from hera.workflows.models import Arguments, LifecycleHook, Metadata, PodGC, TTLStrategy
from hera.workflows.models import Parameter as Argument
from hera.workflows.task import TaskResult
from pydantic import BaseModel

from steps.fetch.step import DiscoverInput, discover, fetch
from steps.preprocess.step import PreprocessInput, preprocess
from steps.register.step import conclude, register
from steps.train.step import TrainInput, train
from workflows import containers, executor, metrics
from workflows.containers import build_container

NAME = "pr-sentinel"
LABELS = {"app.kubernetes.io/part-of": NAME}
MAX_PARALLEL_PODS = 4
HOUR_SECONDS = 3_600


def build_parameters() -> list[Parameter]:
    """Build the parameters of a run; their defaults are those of the contracts."""
    return [
        Parameter(name="repositories", value="[]", description="Repositories to follow, a JSON list of owner/name."),
        _from_contract(DiscoverInput, "search", "A GitHub repository search whose results are followed as well."),
        _from_contract(DiscoverInput, "search_limit", "The most repositories to take from the search."),
        _from_contract(
            PreprocessInput,
            "spark_master",
            "Where Spark runs: local[*] in the step's own pod, or k8s://host on executors.",
        ),
        _from_contract(
            PreprocessInput, "most_rejected", "The share of documents that may be unusable before the run stops."
        ),
        _from_contract(
            PreprocessInput,
            "most_missing",
            "The share of repositories that may be missing before the run stops; one may always be.",
        ),
        Parameter(
            name="train",
            value="true",
            description="Whether to train; otherwise a run renews the histories that the service reads, and ends.",
        ),
        _from_contract(TrainInput, "alert_budget", "The share of pull requests that may raise an alert."),
        _from_contract(TrainInput, "seed", "Seed of everything random in training."),
    ]


def _from_contract(contract: type[BaseModel], name: str, description: str) -> Parameter:
    return Parameter(name=name, value=contract.model_fields[name].default, description=description)


def pass_parameters(*names: str) -> dict[str, str]:
    """Return task arguments that pass the workflow's parameters of the same names."""
    return {name: f"{{{{workflow.parameters.{name}}}}}" for name in names}


def build_dag() -> None:
    """Build the tasks and the data passed between them, inside the current template."""
    templates = _build_templates()
    with DAG(name="main"):
        search = pass_parameters("repositories", "search", "search_limit")
        names = Task(name="discover", template=templates["discover"], arguments=search)
        repositories = names.get_parameter("repositories")
        documents = Task(
            name="fetch", template=templates["fetch"], arguments={"repository": "{{item}}"}, with_param=repositories
        )
        dataset = Task(
            name="preprocess",
            template=templates["preprocess"],
            arguments=[repositories, pass_parameters("spark_master", "most_rejected", "most_missing")],
        )
        dataset_uri = dataset.get_parameter("dataset_uri")
        model = Task(
            name="train",
            template=templates["train"],
            arguments=[dataset_uri, pass_parameters("alert_budget", "seed")],
            when=f"{dataset.get_parameter('trainable').value} == true && {pass_parameters('train')['train']} == true",
        )
        version = Task(
            name="register",
            template=templates["register"],
            arguments=[model.get_parameter("run_id"), model.get_parameter("model_uri"), dataset_uri],
        )
        # A repository that can't be fetched costs only itself: its node is red, and the others go on.
        names.next(documents).next(dataset, on=TaskResult.any_succeeded).next(model)
        # A plain dependency would also be met if train was skipped, and then there is no run to register.
        model.on_success(version)
        # `argo retry` resets the group of a fan-out to running, and only a task that depends on it completes it again.
        documents.next(model, on=TaskResult.any_succeeded)
        documents.next(version, on=TaskResult.any_succeeded)


def _build_templates() -> dict[str, Script]:
    """Build the steps' templates inside the current one, by their names."""
    return {
        "discover": build_container(discover, containers.DISCOVER),
        "fetch": build_container(
            fetch, containers.FETCH, metrics.FETCH, synchronization=containers.GITHUB_TOKEN_SEMAPHORE
        ),
        "preprocess": build_container(
            preprocess,
            containers.PREPROCESS,
            metrics.PREPROCESS,
            containers.SPARK_DRIVER_ENV,
            pod_patch=executor.API_CLIENT_PATCH,
        ),
        "train": build_container(train, containers.TRAIN, metrics.TRAIN),
        "register": build_container(register, containers.REGISTER, metrics.REGISTER),
        "conclude": build_container(conclude, containers.CONCLUDE, metrics.CONCLUDE, containers.STEP_IMAGES_ENV),
    }


def build_pipeline() -> WorkflowTemplate:
    """Build the WorkflowTemplate."""
    outcome = [
        ("workflow", "{{workflow.name}}"),
        ("status", "{{workflow.status}}"),
        ("failures", "{{workflow.failures}}"),
    ]
    with build_template(
        NAME,
        arguments=build_parameters(),
        parallelism=MAX_PARALLEL_PODS,
        active_deadline_seconds=12 * HOUR_SECONDS,
        hooks={
            "exit": LifecycleHook(
                template="conclude",
                arguments=Arguments(parameters=[Argument(name=name, value=value) for name, value in outcome]),
            )
        },
    ) as template:
        build_dag()
    return template


def build_template(name: str, **fields: Any) -> WorkflowTemplate:
    """Build a WorkflowTemplate with what all of them have in common; its tasks are added inside it."""
    return WorkflowTemplate(
        name=name,
        labels=LABELS,
        entrypoint="main",
        volumes=[containers.VAULT_TOKEN_VOLUME],
        pod_metadata=Metadata(labels=LABELS),
        pod_spec_patch=executor.POD_PATCH,
        pod_gc=PodGC(strategy="OnPodSuccess"),
        ttl_strategy=TTLStrategy(seconds_after_success=24 * HOUR_SECONDS, seconds_after_failure=7 * 24 * HOUR_SECONDS),
        **fields,
    )

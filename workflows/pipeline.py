"""The WorkflowTemplate: discover, fetch each repository, preprocess, train, register; and a record of how it ended."""

from hera.workflows import DAG, Parameter, Task, WorkflowTemplate
from hera.workflows.models import Arguments, LifecycleHook, Metadata, PodGC, TTLStrategy
from hera.workflows.models import Parameter as Argument

from steps.fetch.step import DiscoverInput, discover, fetch
from steps.preprocess.step import PreprocessInput, preprocess
from steps.register.step import conclude, register
from steps.train.step import TrainInput, train
from workflows import containers, executor, metrics
from workflows.containers import container

NAME = "pr-sentinel"
LABELS = {"app.kubernetes.io/part-of": NAME}
PARALLEL_PODS = 4
HOUR = 3_600


def arguments() -> list[Parameter]:
    """What a run may be told; the defaults are those of the contracts."""
    discovering, preprocessing, training = (c.model_fields for c in (DiscoverInput, PreprocessInput, TrainInput))
    return [
        Parameter(name="repositories", value="[]", description="Repositories to follow, a JSON list of owner/name."),
        Parameter(
            name="search",
            value=discovering["search"].default,
            description="A GitHub repository search whose results are followed as well.",
        ),
        Parameter(
            name="search_limit",
            value=discovering["search_limit"].default,
            description="The most repositories to take from the search.",
        ),
        Parameter(
            name="spark_master",
            value=preprocessing["spark_master"].default,
            description="Where Spark runs: local[*] in the step's own pod, or k8s://host on executors.",
        ),
        Parameter(
            name="most_rejected",
            value=preprocessing["most_rejected"].default,
            description="The share of documents that may be unusable before the run stops.",
        ),
        Parameter(
            name="alert_budget",
            value=training["alert_budget"].default,
            description="The share of pull requests that may raise an alert.",
        ),
        Parameter(name="seed", value=training["seed"].default, description="Seed of everything random in training."),
    ]


def given(*names: str) -> dict[str, str]:
    """A task's arguments that are the workflow's own, under the same names."""
    return {name: f"{{{{workflow.parameters.{name}}}}}" for name in names}


def draw() -> None:
    """The tasks and what each hands to the next; called inside the template."""
    discovers = container(discover, containers.DISCOVER)
    fetches = container(fetch, containers.FETCH, metrics.FETCH, synchronization=containers.GITHUB_TOKEN)
    preprocesses = container(
        preprocess,
        containers.PREPROCESS,
        metrics.PREPROCESS,
        containers.SPARK_DRIVER,
        pod_patch=executor.API_CLIENT,
    )
    trains = container(train, containers.TRAIN, metrics.TRAIN)
    registers = container(register, containers.REGISTER, metrics.REGISTER)
    container(conclude, containers.CONCLUDE)
    with DAG(name="main"):
        names = Task(name="discover", template=discovers, arguments=given("repositories", "search", "search_limit"))
        repositories = names.get_parameter("repositories")
        documents = Task(name="fetch", template=fetches, arguments={"repository": "{{item}}"}, with_param=repositories)
        dataset = Task(
            name="preprocess",
            template=preprocesses,
            arguments=[repositories, given("spark_master", "most_rejected")],
        )
        dataset_uri = dataset.get_parameter("dataset_uri")
        model = Task(
            name="train",
            template=trains,
            arguments=[dataset_uri, given("alert_budget", "seed")],
            when=f"{dataset.get_parameter('trainable').value} == true",
        )
        version = Task(
            name="register",
            template=registers,
            arguments=[model.get_parameter("run_id"), model.get_parameter("model_uri"), dataset_uri],
        )
        names.next(documents).next(dataset).next(model)
        # A bare dependency would also hold where train was skipped, and then there is no run to register.
        model.on_success(version)
        # `argo retry` sets the group of a fan-out back to running, and only a task that waits for it takes it on again.
        documents.next(model)
        documents.next(version)


def pipeline() -> WorkflowTemplate:
    """The template as Argo gets it."""
    ending = [
        ("workflow", "{{workflow.name}}"),
        ("status", "{{workflow.status}}"),
        ("failures", "{{workflow.failures}}"),
    ]
    with WorkflowTemplate(
        name=NAME,
        labels=LABELS,
        entrypoint="main",
        arguments=arguments(),
        parallelism=PARALLEL_PODS,
        active_deadline_seconds=12 * HOUR,
        hooks={
            "exit": LifecycleHook(
                template="conclude",
                arguments=Arguments(parameters=[Argument(name=name, value=value) for name, value in ending]),
            )
        },
        volumes=[containers.VAULT_TOKEN],
        pod_metadata=Metadata(labels=LABELS),
        pod_spec_patch=executor.PATCH,
        pod_gc=PodGC(strategy="OnPodSuccess"),
        ttl_strategy=TTLStrategy(seconds_after_success=24 * HOUR, seconds_after_failure=7 * 24 * HOUR),
    ) as template:
        draw()
    return template

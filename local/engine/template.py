"""The part of Argo's WorkflowTemplate that a run on one machine covers; anything else is refused by its name."""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    model_validator,
)
from pydantic.alias_generators import to_camel

from local.engine import expressions

OUTPUTS_FOLDER = "hera__outputs_directory"
"""The variable that tells a step where to leave its outputs."""

ClusterOnly = Any
"""A field that means something to a cluster only: which image, whose account, how much of the machine."""

Value = Annotated[str, AfterValidator(expressions.known)]
Depends = Annotated[dict[str, frozenset[str]], BeforeValidator(expressions.dependencies)]
When = Annotated[expressions.Condition, PlainValidator(expressions.Condition.parse)]
RetryExpression = Annotated[expressions.RetryUnless, PlainValidator(expressions.RetryUnless.parse)]


class Part(BaseModel):
    """Fields under Argo's names; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Argument(Part):
    """A value by its name."""

    name: str
    value: Value
    description: str = ""


class Arguments(Part):
    """Values by their names."""

    parameters: list[Argument] = []


class Input(Part):
    """A parameter that a template takes."""

    name: str
    default: str | None = None


class Inputs(Part):
    """The parameters that a template takes."""

    parameters: list[Input] = []

    @property
    def names(self) -> set[str]:
        """What they are called."""
        return {parameter.name for parameter in self.parameters}


class ValueFrom(Part):
    """The file in which a container leaves an output."""

    path: str


class Output(Part):
    """A parameter that a template hands on."""

    name: str
    value_from: ValueFrom


class Outputs(Part):
    """The parameters that a template hands on."""

    parameters: list[Output] = []


class FieldReference(Part):
    """A field of the step's own pod."""

    field_path: str


class FromPod(Part):
    """What only a pod can know of itself; references to secrets and settings are not covered."""

    field_ref: FieldReference


class EnvironmentVariable(Part):
    """A literal, or something of the pod, which has no value on one machine."""

    name: str
    value: str | None = None
    value_from: FromPod | None = None


class ConfigMap(Part):
    """The settings, which the local run gives."""

    name: str
    optional: Literal[True]


class EnvironmentFrom(Part):
    """Where further variables come from."""

    config_map_ref: ConfigMap


class Script(Part):
    """A container whose last argument is a file that holds its inputs."""

    command: Annotated[list[Literal["python"]], Field(min_length=1, max_length=1)]
    args: list[str]
    source: Literal["{{inputs.parameters}}"]
    env: list[EnvironmentVariable] = []
    env_from: list[EnvironmentFrom] = []
    image: ClusterOnly = None
    resources: ClusterOnly = None
    security_context: ClusterOnly = None
    volume_mounts: ClusterOnly = None

    @property
    def literals(self) -> dict[str, str]:
        """The variables whose values stand in the template."""
        return {variable.name: variable.value for variable in self.env if variable.value is not None}


class Backoff(Part):
    """How long to wait: the duration, then times the factor."""

    duration: Annotated[str, Field(pattern=r"^\d+s$")]
    factor: int = Field(ge=1)

    @property
    def seconds(self) -> int:
        """The first wait."""
        return int(self.duration.removesuffix("s"))


class RetryStrategy(Part):
    """How often to try again, and after which exit codes."""

    limit: int
    retry_policy: Literal["Always"]
    expression: RetryExpression
    backoff: Backoff


class Task(Part):
    """One use of a template in the graph."""

    name: str
    template: str
    arguments: Arguments = Arguments()
    depends: Depends = {}
    when: When | None = None
    with_param: Value | None = None

    @property
    def texts(self) -> list[str]:
        """Everything that may hold references."""
        values = [argument.value for argument in self.arguments.parameters]
        return [*values, self.when.left if self.when else "", self.with_param or ""]


class Dag(Part):
    """Tasks and what they wait for."""

    tasks: list[Task]


class Container(Part):
    """A template that runs a container."""

    name: str
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    script: Script
    retry_strategy: RetryStrategy | None = None
    active_deadline_seconds: int | None = None
    metadata: ClusterOnly = None
    metrics: ClusterOnly = None
    pod_spec_patch: ClusterOnly = None
    security_context: ClusterOnly = None
    service_account_name: ClusterOnly = None
    synchronization: ClusterOnly = None
    volumes: ClusterOnly = None

    @property
    def defaults(self) -> dict[str, str]:
        """What an input is where nothing is given."""
        return {item.name: item.default for item in self.inputs.parameters if item.default is not None}

    @model_validator(mode="after")
    def _outputs_can_be_found(self) -> "Container":
        self.output_files()
        return self

    def output_files(self) -> dict[str, PurePosixPath]:
        """Where each output is, below the folder that the container is told to leave them in."""
        folder = self.script.literals.get(OUTPUTS_FOLDER, "")
        # ValueError, where an output is elsewhere, is what pydantic wants to hear.
        return {
            output.name: PurePosixPath(output.value_from.path).relative_to(folder) for output in self.outputs.parameters
        }


class Graph(Part):
    """A template that runs tasks."""

    name: str
    dag: Dag


def _kind(template: Any) -> str:
    return "graph" if "dag" in template else "container"


Template = Annotated[Annotated[Container, Tag("container")] | Annotated[Graph, Tag("graph")], Discriminator(_kind)]


class Hook(Part):
    """A template that runs at the end, however the rest ended."""

    template: str
    arguments: Arguments = Arguments()


class Hooks(Part):
    """Only the exit handler."""

    exit: Hook


class Spec(Part):
    """The workflow."""

    entrypoint: str
    arguments: Arguments = Arguments()
    templates: list[Template]
    parallelism: int = 1
    active_deadline_seconds: int | None = None
    hooks: Hooks | None = None
    pod_metadata: ClusterOnly = None
    pod_spec_patch: ClusterOnly = None
    pod_gc: ClusterOnly = Field(default=None, alias="podGC")
    ttl_strategy: ClusterOnly = None
    volumes: ClusterOnly = None

    @property
    def containers(self) -> dict[str, Container]:
        """The templates that run a container, by name."""
        return {template.name: template for template in self.templates if isinstance(template, Container)}

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks of the entry point's graph, by name."""
        graphs = {template.name: template for template in self.templates if isinstance(template, Graph)}
        return {task.name: task for task in graphs[self.entrypoint].dag.tasks} if self.entrypoint in graphs else {}

    def outputs_of(self, task: Task) -> set[str]:
        """The names of what a task hands on."""
        template = self.containers.get(task.template)
        return {output.name for output in template.outputs.parameters} if template else set()


class Metadata(Part):
    """What it is called."""

    name: str
    labels: ClusterOnly = None


class WorkflowTemplate(Part):
    """The whole document."""

    api_version: Literal["argoproj.io/v1alpha1"]
    kind: Literal["WorkflowTemplate"]
    metadata: Metadata
    spec: Spec

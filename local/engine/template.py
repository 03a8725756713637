"""The part of Argo's WorkflowTemplate that the local engine supports; any other field is an error."""

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
"""The environment variable with the folder for a step's outputs."""

ClusterOnly = Any
"""A field that only matters on a cluster: images, service accounts, resources."""

Value = Annotated[str, AfterValidator(expressions.check_references)]
Depends = Annotated[dict[str, frozenset[str]], BeforeValidator(expressions.parse_dependencies)]
When = Annotated[expressions.Condition, PlainValidator(expressions.Condition.parse)]
RetryExpression = Annotated[expressions.RetryUnless, PlainValidator(expressions.RetryUnless.parse)]


class ArgoModel(BaseModel):
    """Fields under Argo's names; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Argument(ArgoModel):
    """A named value."""

    name: str
    value: Value
    description: str = ""


class Arguments(ArgoModel):
    """Named values."""

    parameters: list[Argument] = []


class Input(ArgoModel):
    """An input parameter of a template; the step itself refuses what is not in `enum`."""

    name: str
    default: str | None = None
    enum: ClusterOnly = None


class Inputs(ArgoModel):
    """The input parameters of a template."""

    parameters: list[Input] = []

    @property
    def names(self) -> set[str]:
        """The names of the parameters."""
        return {parameter.name for parameter in self.parameters}


class ValueFrom(ArgoModel):
    """The file that a container writes an output to."""

    path: str


class Output(ArgoModel):
    """An output parameter of a template."""

    name: str
    value_from: ValueFrom


class Outputs(ArgoModel):
    """The output parameters of a template."""

    parameters: list[Output] = []


class FieldReference(ArgoModel):
    """A field of the step's own pod."""

    field_path: str


class FromPod(ArgoModel):
    """A value from the pod itself; references to secrets and ConfigMaps are not supported."""

    field_ref: FieldReference


class EnvironmentVariable(ArgoModel):
    """A literal, or a field of the pod, which has no value on one machine."""

    name: str
    value: str | None = None
    value_from: FromPod | None = None


class ConfigMap(ArgoModel):
    """The ConfigMap with the settings, which the local run provides."""

    name: str
    optional: Literal[True]


class EnvironmentFrom(ArgoModel):
    """A source of further variables."""

    config_map_ref: ConfigMap


class Script(ArgoModel):
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
        """The variables with literal values."""
        return {variable.name: variable.value for variable in self.env if variable.value is not None}


class Backoff(ArgoModel):
    """The wait before a retry: the duration, multiplied by the factor each time."""

    duration: Annotated[str, Field(pattern=r"^\d+s$")]
    factor: int = Field(ge=1)

    @property
    def seconds(self) -> int:
        """The first wait in seconds."""
        return int(self.duration.removesuffix("s"))


class RetryStrategy(ArgoModel):
    """The number of retries, and the exit codes that allow one."""

    limit: int
    retry_policy: Literal["Always"]
    expression: RetryExpression
    backoff: Backoff


class Task(ArgoModel):
    """One use of a template in the graph."""

    name: str
    template: str
    arguments: Arguments = Arguments()
    depends: Depends = {}
    when: When | None = None
    with_param: Value | None = None

    @property
    def texts(self) -> list[str]:
        """The texts that may contain references."""
        values = [argument.value for argument in self.arguments.parameters]
        compared = [one.left for one in self.when.comparisons] if self.when else []
        return [*values, *compared, self.with_param or ""]


class Dag(ArgoModel):
    """Tasks with their dependencies."""

    tasks: list[Task]


class Container(ArgoModel):
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
        """The default values of the inputs."""
        return {item.name: item.default for item in self.inputs.parameters if item.default is not None}

    @model_validator(mode="after")
    def _outputs_can_be_found(self) -> "Container":
        self.output_files()
        return self

    def output_files(self) -> dict[str, PurePosixPath]:
        """Return the path of each output, relative to the outputs folder."""
        folder = self.script.literals.get(OUTPUTS_FOLDER, "")
        # relative_to raises ValueError for an output elsewhere, which pydantic reports.
        return {
            output.name: PurePosixPath(output.value_from.path).relative_to(folder) for output in self.outputs.parameters
        }


class Graph(ArgoModel):
    """A template that runs tasks."""

    name: str
    dag: Dag


def _template_kind(template: Any) -> str:
    return "graph" if "dag" in template else "container"


Template = Annotated[
    Annotated[Container, Tag("container")] | Annotated[Graph, Tag("graph")], Discriminator(_template_kind)
]


class Hook(ArgoModel):
    """A template that runs at the end, whatever the result."""

    template: str
    arguments: Arguments = Arguments()


class Hooks(ArgoModel):
    """The hooks; only the exit handler is supported."""

    exit: Hook


class Spec(ArgoModel):
    """The specification of the workflow."""

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
        """Return the names of a task's outputs."""
        template = self.containers.get(task.template)
        return {output.name for output in template.outputs.parameters} if template else set()


class Metadata(ArgoModel):
    """The name and labels of the template."""

    name: str
    labels: ClusterOnly = None


class WorkflowTemplate(ArgoModel):
    """The whole document."""

    api_version: Literal["argoproj.io/v1alpha1"]
    kind: Literal["WorkflowTemplate"]
    metadata: Metadata
    spec: Spec

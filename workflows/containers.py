"""The steps' containers: image, identity, resources, time limits and retries."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hera.workflows import (
    ConfigMapEnvFrom,
    Counter,
    EmptyDirVolume,
    Env,
    FieldEnv,
    Gauge,
    ProjectedVolume,
    Resources,
    RetryStrategy,
    RunnerScriptConstructor,
    Script,
)
from hera.workflows.models import (
    Backoff,
    Capabilities,
    ConfigMapKeySelector,
    PodSecurityContext,
    SeccompProfile,
    SecurityContext,
    SemaphoreRef,
    ServiceAccountTokenProjection,
    Synchronization,
    VolumeMount,
    VolumeProjection,
)
from hera.workflows.models.io.k8s.apimachinery.pkg.api.resource import Quantity

from steps.common.errors import PERMANENT_EXIT_CODES
from steps.common.secrets import POD_TOKEN
from steps.common.step_frame import WORKFLOW
from steps.register.step import IMAGE_VARIABLES
from workflows import metrics

SETTINGS_CONFIG_MAP = "pr-sentinel-settings"
"""The ConfigMap of URLs (`VAULT_ADDR`, `GITHUB_API_URL`, …), which is optional; each cluster has its own."""

USER_ID = 65532


class StepResources(NamedTuple):
    """The resources of a container.

    `step` names its image, its service account, and its role and path in Vault; `cpu` and `memory` are request and
    limit; `scratch` is the size of `/tmp`; `minutes` is the deadline of an attempt.
    """

    step: str
    cpu: tuple[str, str]
    memory: tuple[str, str]
    scratch: str
    minutes: int


DISCOVER = StepResources("fetch", ("100m", "500m"), ("128Mi", "256Mi"), "64Mi", 10)
# A backfill may have to wait an hour for GitHub's rate limit.
FETCH = StepResources("fetch", ("100m", "1"), ("256Mi", "512Mi"), "64Mi", 360)
PREPROCESS = StepResources("preprocess", ("500m", "2"), ("3Gi", "4Gi"), "10Gi", 120)
TRAIN = StepResources("train", ("500m", "4"), ("2Gi", "4Gi"), "2Gi", 120)
REGISTER = StepResources("register", ("100m", "1"), ("512Mi", "1Gi"), "1Gi", 20)
CONCLUDE = StepResources("register", ("100m", "500m"), ("256Mi", "512Mi"), "64Mi", 5)
MONITOR = StepResources("monitor", ("100m", "1"), ("512Mi", "1Gi"), "1Gi", 20)


def format_image(resources: StepResources) -> str:
    """Return the image name that kustomize's `images` replaces with registry and digest."""
    return f"pr-sentinel/{resources.step}"


POD_SECURITY = PodSecurityContext(
    run_as_non_root=True,
    run_as_user=USER_ID,
    run_as_group=USER_ID,
    fs_group=USER_ID,
    seccomp_profile=SeccompProfile(type="RuntimeDefault"),
)


GITHUB_TOKEN_SEMAPHORE = Synchronization(
    semaphores=[
        SemaphoreRef(config_map_key_ref=ConfigMapKeySelector(name="pr-sentinel-semaphores", key="github-token"))
    ]
)
"""Bounds the fetches of all workflows together, because they share the rate limit of one token."""

VAULT_TOKEN_VOLUME = ProjectedVolume(
    name="vault-token",
    sources=[
        VolumeProjection(
            service_account_token=ServiceAccountTokenProjection(
                audience="vault", expiration_seconds=600, path=POD_TOKEN.name
            )
        )
    ],
)
"""The step's identity for Vault alone: the API server does not accept a token with this audience."""

WORKFLOW_ENV = FieldEnv(name=WORKFLOW, field_path="metadata.labels['workflows.argoproj.io/workflow']")
"""The workflow's name, from the label that Argo gives its pods, so that runs and traces lead back to it."""

STEP_IMAGES_ENV = [
    Env(name=IMAGE_VARIABLES[resources.step], value=format_image(resources))
    for resources in (FETCH, PREPROCESS, TRAIN, REGISTER)
]
"""The images of all steps, which no step can find out by itself."""

SPARK_DRIVER_ENV: list[Env | FieldEnv] = [
    FieldEnv(name="POD_IP", field_path="status.podIP"),
    FieldEnv(name="POD_NAME", field_path="metadata.name"),
    FieldEnv(name="POD_NAMESPACE", field_path="metadata.namespace"),
    Env(name="EXECUTOR_IMAGE", value=format_image(PREPROCESS)),
]
"""The facts about its own pod that a Spark driver needs to start executors."""


def build_container(
    function: Any,
    resources: StepResources,
    step_metrics: Sequence[Counter | Gauge] = (),
    env: Sequence[Env | FieldEnv] = (),
    synchronization: Synchronization | None = None,
    pod_patch: str | None = None,
) -> Script:
    """Build the template that runs a step's contract."""
    return Script(
        name=function.__name__,
        source=function.wrapped_function,
        constructor=RunnerScriptConstructor(),
        command=["python"],
        image=format_image(resources),
        labels={"app.kubernetes.io/component": resources.step},
        service_account_name=f"pr-sentinel-{resources.step}",
        env=[
            Env(name="VAULT_ROLE", value=f"pr-sentinel-{resources.step}"),
            Env(name="VAULT_SECRET_PATH", value=f"secret/pr-sentinel/{resources.step}"),
            WORKFLOW_ENV,
            *env,
        ],
        env_from=[ConfigMapEnvFrom(name=SETTINGS_CONFIG_MAP, optional=True)],
        resources=Resources(
            cpu_request=resources.cpu[0],
            cpu_limit=resources.cpu[1],
            memory_request=resources.memory[0],
            memory_limit=resources.memory[1],
        ),
        volumes=[EmptyDirVolume(name="tmp", mount_path="/tmp", size_limit=Quantity(root=resources.scratch))],  # noqa: S108
        volume_mounts=[VolumeMount(name=VAULT_TOKEN_VOLUME.name, mount_path=str(POD_TOKEN.parent), read_only=True)],
        pod_security_context=POD_SECURITY,
        security_context=SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=Capabilities(drop=["ALL"]),
        ),
        active_deadline_seconds=resources.minutes * 60,
        retry_strategy=build_retry_strategy(),
        metrics=[metrics.build_step_histogram(function.__name__), *step_metrics],
        synchronization=synchronization,
        pod_spec_patch=pod_patch,
    )


def build_retry_strategy() -> RetryStrategy:
    """Build the retry strategy: two retries, after 10 and 30 seconds, unless the exit code is a permanent error's.

    A pod that was evicted, deleted or lost with its node has no exit code; Argo reports -1, and it is retried.
    """
    return RetryStrategy(
        limit=2,
        retry_policy="Always",
        expression=f"asInt(lastRetry.exitCode) not in {sorted(PERMANENT_EXIT_CODES)}",
        backoff=Backoff(duration="10s", factor=3),
    )

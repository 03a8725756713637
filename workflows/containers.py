"""What each step's container may use: its image, its identity, its share of the machine, and how often it is tried."""

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
from workflows import metrics

SETTINGS = "pr-sentinel-settings"
"""The ConfigMap of addresses (`VAULT_ADDR`, `GITHUB_API_URL`, …); each cluster has its own, and none is fine."""

USER = 65532


class Place(NamedTuple):
    """Where a step runs; `step` names its image, its service account, and its role and path in Vault."""

    step: str
    cpu: tuple[str, str]
    memory: tuple[str, str]
    scratch: str
    minutes: int


DISCOVER = Place("fetch", ("100m", "500m"), ("128Mi", "256Mi"), "64Mi", 10)
# An hour's wait for GitHub's budget is ordinary in a backfill.
FETCH = Place("fetch", ("100m", "1"), ("256Mi", "512Mi"), "64Mi", 360)
PREPROCESS = Place("preprocess", ("500m", "2"), ("3Gi", "4Gi"), "10Gi", 120)
TRAIN = Place("train", ("500m", "4"), ("2Gi", "4Gi"), "2Gi", 120)
REGISTER = Place("register", ("100m", "1"), ("512Mi", "1Gi"), "1Gi", 20)
CONCLUDE = Place("register", ("100m", "500m"), ("256Mi", "512Mi"), "64Mi", 5)


def image(place: Place) -> str:
    """Not a reference that can be pulled: kustomize's `images` puts registry and digest in its place."""
    return f"pr-sentinel/{place.step}"


POD = PodSecurityContext(
    run_as_non_root=True,
    run_as_user=USER,
    run_as_group=USER,
    fs_group=USER,
    seccomp_profile=SeccompProfile(type="RuntimeDefault"),
)


GITHUB_TOKEN = Synchronization(
    semaphores=[
        SemaphoreRef(config_map_key_ref=ConfigMapKeySelector(name="pr-sentinel-semaphores", key="github-token"))
    ]
)
"""Bounds the fetches of all workflows together, for they share what GitHub grants one token."""

VAULT_TOKEN = ProjectedVolume(
    name="vault-token",
    sources=[
        VolumeProjection(
            service_account_token=ServiceAccountTokenProjection(
                audience="vault", expiration_seconds=600, path=POD_TOKEN.name
            )
        )
    ],
)
"""Who the step is, told to Vault alone: the API server takes no token of this audience."""

SPARK_DRIVER: list[Env | FieldEnv] = [
    FieldEnv(name="POD_IP", field_path="status.podIP"),
    FieldEnv(name="POD_NAME", field_path="metadata.name"),
    FieldEnv(name="POD_NAMESPACE", field_path="metadata.namespace"),
    Env(name="EXECUTOR_IMAGE", value=image(PREPROCESS)),
]
"""What a driver must know of its own pod to have executors made."""


def container(
    function: Any,
    place: Place,
    figures: Sequence[Counter | Gauge] = (),
    env: Sequence[Env | FieldEnv] = (),
    synchronization: Synchronization | None = None,
    pod_patch: str | None = None,
) -> Script:
    """One step's contract as a template: what Argo runs, and what it may use."""
    return Script(
        name=function.__name__,
        source=function.wrapped_function,
        constructor=RunnerScriptConstructor(),
        command=["python"],
        image=image(place),
        labels={"app.kubernetes.io/component": place.step},
        service_account_name=f"pr-sentinel-{place.step}",
        env=[
            Env(name="VAULT_ROLE", value=f"pr-sentinel-{place.step}"),
            Env(name="VAULT_SECRET_PATH", value=f"secret/pr-sentinel/{place.step}"),
            *env,
        ],
        env_from=[ConfigMapEnvFrom(name=SETTINGS, optional=True)],
        resources=Resources(
            cpu_request=place.cpu[0],
            cpu_limit=place.cpu[1],
            memory_request=place.memory[0],
            memory_limit=place.memory[1],
        ),
        volumes=[EmptyDirVolume(name="tmp", mount_path="/tmp", size_limit=Quantity(root=place.scratch))],  # noqa: S108
        volume_mounts=[VolumeMount(name=VAULT_TOKEN.name, mount_path=str(POD_TOKEN.parent), read_only=True)],
        pod_security_context=POD,
        security_context=SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=Capabilities(drop=["ALL"]),
        ),
        active_deadline_seconds=place.minutes * 60,
        retry_strategy=retry(),
        metrics=[metrics.seconds(function.__name__), *figures],
        synchronization=synchronization,
        pod_spec_patch=pod_patch,
    )


def retry() -> RetryStrategy:
    """Twice more, after ten and thirty seconds, unless the exit code says that another try can't succeed.

    A pod that was evicted, deleted or lost with its node has no exit code; Argo says -1, and it is tried again.
    """
    return RetryStrategy(
        limit=2,
        retry_policy="Always",
        expression=f"asInt(lastRetry.exitCode) not in {sorted(PERMANENT_EXIT_CODES)}",
        backoff=Backoff(duration="10s", factor=3),
    )

"""The environment of a subprocess: what any program needs, and the settings of its own step, as in a container."""

from collections.abc import Mapping

from steps.common.settings import STEP_SETTINGS, StepSettings, StoreSettings, TrackingSettings

ROLE = "VAULT_ROLE"
ROLE_PREFIX = "pr-sentinel-"
COMMON = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
        *("LANG", "LANGUAGE", "TZ", "TERM"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    )
)
COMMON_PREFIXES = (
    "LC_",
    "PYTHON",
    "JAVA_",
    "JDK_",
    "SPARK_",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "TF_",
    "COV_",
    "COVERAGE_",
    "OTEL_",
    "OPENLINEAGE_",
)
LIBRARY_PREFIXES: Mapping[type[StepSettings], str] = {TrackingSettings: "MLFLOW_", StoreSettings: "AWS_"}
"""Prefixes of what the libraries behind some settings read by themselves."""


def find_settings(literals: Mapping[str, str]) -> type[StepSettings] | None:
    """Return the settings of the step whose role a container's variables name; None if they name none."""
    return STEP_SETTINGS.get(literals.get(ROLE, "").removeprefix(ROLE_PREFIX))


def select(kind: type[StepSettings] | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return of an environment what every program needs, and the settings of this kind; without one, no settings."""
    own = {name.upper() for name in kind.model_fields} if kind else set()
    prefixes = COMMON_PREFIXES + tuple(
        prefix for base, prefix in LIBRARY_PREFIXES.items() if kind and issubclass(kind, base)
    )
    return {
        name: value
        for name, value in environment.items()
        if name.upper() in COMMON or name in own or name.startswith(prefixes)
    }

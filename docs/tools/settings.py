"""The reference of settings: every environment variable that a step, the service or a release command reads."""

import inspect
import typing
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from docs.tools import template
from docs.tools.markdown import code, page, sentence, table
from release import settings as release
from rollouts.checks.load import settings as load
from steps.common import settings as steps
from steps.preprocess import executors


def settings_classes(module: ModuleType) -> list[type[BaseSettings]]:
    """Return the settings classes that a module itself declares, in their order."""
    kinds = (kind for kind in vars(module).values() if inspect.isclass(kind) and issubclass(kind, BaseSettings))
    return [kind for kind in kinds if kind.__module__ == module.__name__]


HEADER = ("variable", "default", "description")
SECTIONS: dict[str, Sequence[type[BaseSettings]]] = {
    "fetch and discover": [steps.FetchSettings],
    "preprocess": [steps.PreprocessSettings],
    "preprocess with Spark executors": settings_classes(executors),
    "train": [steps.TrainSettings],
    "register": [steps.RegisterSettings],
    "monitor": [steps.MonitorSettings],
    "The service": [steps.ServeSettings],
    "The release commands": settings_classes(release),
    "The load test": settings_classes(load),
}
VAULT = {
    "VAULT_ADDR": ("", "URL of Vault. Where it is set, a step logs in with its pod's service account."),
    "VAULT_ROLE": ("required with `VAULT_ADDR`", "Role to log in with."),
    "VAULT_SECRET_PATH": (
        "required with `VAULT_ADDR`",
        "Path of the step's secret, `mount/path` of a key-value store, version 2.",
    ),
    "VAULT_PATH_AUTH": ("`kubernetes`", "Mount path of the Kubernetes authentication method."),
    "VAULT_CACERT": ("", "File with the CA certificate of Vault."),
    "VAULT_CACERT_BYTES": ("", "CA certificate of Vault, as text (PEM)."),
    "VAULT_PLAIN_HTTP": (
        "",
        "`allowed` for a trial: Vault's address may begin with `http://`. Otherwise only one on this machine may.",
    ),
}

TRACES = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("", "URL of a collector that takes OTLP over HTTP; without it there are no traces"),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ("", "The whole URL for traces, with its path, instead"),
    "OTEL_EXPORTER_OTLP_HEADERS": ("", "Headers for the collector, `name=value,…`; secret"),
    "OTEL_SERVICE_NAME": ("`pr-sentinel`", "Name of the service in traces"),
    "OTEL_RESOURCE_ATTRIBUTES": ("", "More about the process, `name=value,…`"),
    "OTEL_TRACES_SAMPLER": (
        "service: one request in ten; steps: all",
        "Which traces are recorded, `parentbased_traceidratio` for a share; the service records every delivery "
        "nevertheless",
    ),
    "OTEL_TRACES_SAMPLER_ARG": ("", "The share, from 0 to 1; read only where `OTEL_TRACES_SAMPLER` is set"),
}

LINEAGE = {
    "OPENLINEAGE_URL": ("", "URL of a server that takes events at `/api/v1/lineage`; without any sink there are none"),
    "OPENLINEAGE_API_KEY": ("", "Key for that server; secret"),
    "OPENLINEAGE_ENDPOINT": ("`api/v1/lineage`", "Path on that server, instead"),
    "OPENLINEAGE_CONFIG": ("", "YAML file that describes the sink; without such a variable no file is looked for"),
    "OPENLINEAGE__TRANSPORT__TYPE": ("", "`http`, `file`, `console` (the log) or another transport of the client"),
    "OPENLINEAGE__TRANSPORT__…": ("", "The settings of that transport, for example `LOG_FILE_PATH`"),
    "OPENLINEAGE_NAMESPACE": ("`pr-sentinel`", "Namespace of the jobs; one for each cluster"),
    "OPENLINEAGE_DISABLED": ("", "`true`: no events, whatever else is set"),
}


def render() -> str:
    """Render the page."""
    blocks = [
        "Settings come from the environment. In a pod with `VAULT_ADDR`, whatever the environment does not set comes "
        "from the step's path in Vault, under the same names in lower case. An empty value counts as not set. Each "
        "step reads only the settings listed for it. `make run` and `make serve` set all of them for the embedded "
        "parts, unless you set them yourself.",
    ]
    for title, kinds in SECTIONS.items():
        fields = {name: (kind, field) for kind in kinds for name, field in kind.model_fields.items()}
        blocks += [f"## {title}", table(HEADER, [_row(kind, name, field) for name, (kind, field) in fields.items()])]
    rows = [[code(name), *words] for name, words in VAULT.items()]
    blocks += ["## Vault, for every step", table(HEADER, rows)]
    traces = [[code(name), *words] for name, words in TRACES.items()]
    blocks += ["## Traces", "As every `OTEL_*` variable of OpenTelemetry's SDK; not from Vault.", table(HEADER, traces)]
    lineage = [[code(name), *words] for name, words in LINEAGE.items()]
    blocks += [
        "## Lineage",
        "As every `OPENLINEAGE_*` variable of OpenLineage's client; not from Vault, and not for the service.",
        table(HEADER, lineage),
    ]
    given = template.spec()["arguments"]["parameters"]
    parameters = [[code(one["name"]), code(one["value"]), one["description"]] for one in given]
    return page(
        "Settings",
        *blocks,
        "## Parameters of a workflow run",
        "Pass them with `argo submit -p NAME=VALUE`, or patch them into the CronWorkflow.",
        table(("parameter", "default", "description"), parameters),
    )


def variable(kind: type[BaseSettings], name: str) -> str:
    """Return the environment variable of a field."""
    return f"{kind.model_config.get('env_prefix') or ''}{name}".upper()


def _row(kind: type[BaseSettings], name: str, field: FieldInfo) -> list[str]:
    words = [sentence(field.description or "").rstrip("."), _choices(field), _secret(field)]
    return [code(variable(kind, name)), _default(field), "; ".join(word for word in words if word)]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    return "the Bento's own model" if field.annotation is Path else code(field.default)


def _choices(field: FieldInfo) -> str:
    options: tuple[Any, ...] = typing.get_args(field.annotation)
    named = [code(option) for option in options if isinstance(option, str)]
    return f"one of {', '.join(named)}" if named else ""


def _secret(field: FieldInfo) -> str:
    kinds = (field.annotation, *typing.get_args(field.annotation))
    return "secret" if SecretStr in kinds else ""

"""The service conforms to its OpenAPI: Schemathesis sends valid and invalid input, a thousand times per operation."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from samples.graph import SITE
from steps.serve.app import create_app
from tests.support import serving

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("FUZZ_CASES", "1000"))
"""For each operation."""


@pytest.fixture(scope="module")
def whole(
    model: Path, mongo_uri: str, github_address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[serving.Running]:
    """A service with every setting."""
    given = {
        "MODEL_DIR": str(model),
        "MONGO_URI": mongo_uri,
        "MONGO_DB": "schema",
        "GITHUB_API_URL": github_address,
        "GITHUB_URL": SITE,
        "GITHUB_TOKEN": "a-token",
        "WEBHOOK_SECRET": "a-secret",
    }
    with serving.running(tmp_path_factory.mktemp("whole"), given) as found:
        yield found


REFUSALS = {"negative_data_rejection": {"expected-statuses": [400, 401, 404, 405, 413, 415, 422]}}
PATIENCE = 60
"""Seconds for an answer: other tests take the processors too."""
EITHER = {"positive_data_acceptance": {"expected-statuses": ["2xx", 404, 422]}}
"""A schema can't say which GitHub a URL must belong to."""
CONFIG = schemathesis.Config.from_dict(
    {"checks": REFUSALS, "request-timeout": PATIENCE, "operations": [{"include-path": "/score_url", "checks": EITHER}]}
)

schema = schemathesis.openapi.from_dict(create_app().openapi(), config=CONFIG)


@schema.hook
def map_body(_: schemathesis.HookContext, body: Any) -> Any:
    """To JSON Schema 1.0 is an integer; to the service, and to GitHub, it is not."""
    return normalise(body)


def normalise(value: Any) -> Any:
    """Return a value with every whole number as an int."""
    if isinstance(value, dict):
        return {name: normalise(one) for name, one in value.items()}
    if isinstance(value, list):
        return [normalise(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schema.parametrize()
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_operation_conforms_to_its_schema(case: schemathesis.Case[Any], whole: serving.Running) -> None:
    """No 5xx, nothing invalid accepted, nothing valid refused, and responses as described."""
    case.call_and_validate(base_url=whole.address)


def test_linked_operations_conform_one_after_the_other(whole: serving.Running) -> None:
    """The golden pull requests are scored again, and the distribution of a result's repository is looked up."""
    schema.config.update(base_url=whole.address)
    schema.as_state_machine().run(
        settings=settings(
            max_examples=CASES // 10, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
        )
    )


def test_the_log_has_no_unexpected_error(whole: serving.Running) -> None:
    """Whatever was sent."""
    assert {line["level"] for line in whole.lines()} <= {"info", "warning"}

"""The service is as its OpenAPI says: Schemathesis sends what fits and what does not, a thousand times an operation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from samples.graph import SITE
from steps.serve.app import create_app
from tests.support import serving

CASES = 1_000


@pytest.fixture(scope="module")
def whole(
    model: Path, mongo_uri: str, github_address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[serving.Running]:
    """A service that has all it may have."""
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
EITHER = {"positive_data_acceptance": {"expected-statuses": ["2xx", 404, 422]}}
"""Which GitHub's an address has to be can't be said in a schema."""
CONFIG = schemathesis.Config.from_dict(
    {"checks": REFUSALS, "operations": [{"include-path": "/score_url", "checks": EITHER}]}
)

schema = schemathesis.openapi.from_dict(create_app().openapi(), config=CONFIG)


@schema.hook
def map_body(_: schemathesis.HookContext, body: Any) -> Any:
    """To JSON Schema 1.0 is an integer; to the service, and to GitHub, it is none."""
    return normalise(body)


def normalise(value: Any) -> Any:
    """A value with every whole number written as one."""
    if isinstance(value, dict):
        return {name: normalise(one) for name, one in value.items()}
    if isinstance(value, list):
        return [normalise(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schema.parametrize()
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_operation_conforms_to_its_schema(case: schemathesis.Case, whole: serving.Running) -> None:
    """No 5xx, nothing accepted that doesn't fit, nothing refused that does, and answers as described."""
    case.call_and_validate(base_url=whole.address)


def test_the_log_has_no_unexpected_error(whole: serving.Running) -> None:
    """In its log."""
    assert {line["level"] for line in whole.lines()} <= {"info", "warning"}

"""What MongoDB answers becomes an error that says which server, and what to do."""

import pytest
from pymongo.errors import BulkWriteError, OperationFailure

from steps.common.errors import AccessRefused, ConfigurationError, SentinelError, StorageFull, Unavailable
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings

SECRET = "hunter2"  # noqa: S105 - it is none


def settings(uri: str = f"mongodb://somebody:{SECRET}@127.0.0.1:1/?serverSelectionTimeoutMS=100") -> MongoSettings:
    """Settings with a password that must not be repeated."""
    return MongoSettings.model_validate({"mongo_uri": uri})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OperationFailure("no", 18), AccessRefused),
        (OperationFailure("no", 13), AccessRefused),
        (OperationFailure("full", 14031), StorageFull),
        (BulkWriteError({"writeErrors": [{"code": 14031}]}), StorageFull),
    ],
)
def test_a_server_s_refusal_is_told_with_its_address(answer: Exception, expected: type[SentinelError]) -> None:
    """Alone or inside a bulk write."""
    with pytest.raises(expected, match=r"127\.0\.0\.1:1"), open_database(settings()):
        raise answer


def test_any_other_failure_is_left_as_it_is() -> None:
    """It is a mistake of ours, and wants its trace."""
    with pytest.raises(OperationFailure), open_database(settings()):
        raise OperationFailure("odd", 2)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    """Which one, where, what to do."""
    with pytest.raises(Unavailable, match="MONGO_URI") as caught, open_database(settings()) as opened:
        opened.command("ping")
    assert "127.0.0.1:1" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("uri", ["nonsense", "mongodb://", f"mongodb://x:{SECRET}@h:port"])
def test_an_address_that_can_t_be_read_is_refused_without_repeating_it(uri: str) -> None:
    """It may hold a password."""
    with pytest.raises(ConfigurationError, match="MONGO_URI") as caught, open_database(settings(uri)) as opened:
        opened.command("ping")
    assert SECRET not in str(caught.value)

"""MongoDB's failures become errors that name the server and what to do."""

import pytest
from pydantic import SecretStr
from pymongo.errors import BulkWriteError, OperationFailure

from steps.common import mongo
from steps.common.errors import AccessRefused, ConfigurationError, SentinelError, StorageFull, Unavailable
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings

SECRET = "hunter2"  # noqa: S105 - not a real one


def settings(uri: str = f"mongodb://somebody:{SECRET}@127.0.0.1:1/") -> MongoSettings:
    """Return settings with a password that no error may show."""
    return MongoSettings.model_validate({"mongo_uri": uri})


@pytest.fixture(autouse=True)
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up the search for a server soon: there is none."""
    monkeypatch.setattr(mongo, "SELECTION_TIMEOUT_MS", 100)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OperationFailure("no", 18), AccessRefused),
        (OperationFailure("no", 13), AccessRefused),
        (OperationFailure("full", 14031), StorageFull),
        (BulkWriteError({"writeErrors": [{"code": 14031}]}), StorageFull),
    ],
)
def test_a_server_s_refusal_names_its_host(answer: Exception, expected: type[SentinelError]) -> None:
    """As an error of its own or inside a bulk write."""
    with pytest.raises(expected, match=r"127\.0\.0\.1:1"), open_database(settings()):
        raise answer


def test_any_other_failure_passes_unchanged() -> None:
    """It is a bug of ours and keeps its traceback."""
    with pytest.raises(OperationFailure), open_database(settings()):
        raise OperationFailure("odd", 2)


def test_an_unreachable_server_is_named_without_the_password() -> None:
    """The error shows the host and what to do."""
    with pytest.raises(Unavailable, match="MONGO_URI") as caught, open_database(settings()) as opened:
        opened.command("ping")
    assert "127.0.0.1:1" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        # mongodb/mongo-python-driver#1193
        "mongodb://user:hunt/er2@127.0.0.1:1/",
        # freelabz/secator#176
        "mongodb://user:hunt@er2@127.0.0.1:1/",
        "mongodb://user:1234/5@127.0.0.1:1/",
        "mongodb://user:hunt?er2@127.0.0.1:1/?w=1",
        "mongodb://user:hunt#er2@127.0.0.1:1/",
    ],
)
def test_a_password_that_is_not_escaped_is_not_shown_in_part(uri: str) -> None:
    """What stands before its slash would be taken for the host."""
    with pytest.raises(ConfigurationError, match="escaped") as caught, open_database(settings(uri)):
        pass
    assert not [part for part in ("hunt", "er2", "1234") if part in str(caught.value)]


def test_an_option_may_have_an_at_sign() -> None:
    """As the application's name of Azure Cosmos DB has."""
    uri = "mongodb://me:secret@127.0.0.1:1/?appName=@me@"
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"), open_database(settings(uri)) as opened:
        opened.command("ping")


@pytest.mark.parametrize("option", ["tlsCAFile", "tlsCertificateKeyFile"])
def test_a_file_of_certificates_that_is_missing_is_named(option: str) -> None:
    """Nothing else of the connection string is."""
    uri = f"mongodb://me:{SECRET}@127.0.0.1:1/?tls=true&{option}=/nowhere.pem"
    with pytest.raises(ConfigurationError, match=r"/nowhere\.pem") as caught, open_database(settings(uri)):
        pass
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("uri", ["nonsense", "mongodb://", f"mongodb://x:{SECRET}@h:port"])
def test_an_invalid_connection_string_is_refused_without_showing_it(uri: str) -> None:
    """It may hold a password."""
    with pytest.raises(ConfigurationError, match="MONGO_URI") as caught, open_database(settings(uri)) as opened:
        opened.command("ping")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "own", "seconds"),
    [
        ("", None, 0.1),
        ("?serverSelectionTimeoutMS=1500", None, 1.5),
        ("?retryWrites=true&serverselectiontimeoutms=1500", None, 1.5),
        ("?serverSelectionTimeoutMS=1500", 700, 0.7),
    ],
)
def test_a_time_limit_of_the_connection_string_counts(options: str, own: int | None, seconds: float) -> None:
    """Where the caller has none, which may hold up a request."""
    with mongo.create_client(SecretStr(f"mongodb://127.0.0.1:1/{options}"), "a-test", own) as client:
        assert client.options.server_selection_timeout == seconds

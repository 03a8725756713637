"""What MongoDB adds to a dataset: how pull requests ended, what mutes them, and what people said about alerts."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from local.backtest.outcomes import Outcome, decide_outcomes
from local.shares import Share
from steps.common.errors import ConfigurationError
from steps.common.mongo import open_database
from steps.common.pull_request import PullRequest
from steps.common.settings import MongoSettings
from steps.serve.feedback import propose_mutes, read_feedback, summarise_feedback
from steps.serve.policy import DEFAULT_POLICY, MAX_BYTES, PATH, AlertPolicy, PolicyError, find_mute, parse

OUTCOME_FIELDS = ("merged_at", "closed_at", "active_lock_reason")


def read_outcomes(
    repository: str,
    numbers: Iterable[int],
    reverted_by: Mapping[int, Iterable[int]],
    settings: Mapping[str, str],
) -> dict[int, Outcome]:
    """Return the outcomes of some pull requests of a repository by number; those that are open are left out.

    Raises:
        Unavailable: MongoDB does not respond.
    """
    wanted = set(numbers)
    reverting = {one for number in wanted for one in reverted_by.get(number, ())}
    documents = _read_documents(repository, wanted | reverting, OUTCOME_FIELDS, settings)
    found = decide_outcomes(documents, reverted_by)
    return {number: outcome for number, outcome in found.items() if number in wanted}


def find_mutes(
    repository: str, heard: Mapping[int, bool], policy: AlertPolicy, settings: Mapping[str, str]
) -> dict[int, str]:
    """Return the field of `mute` for each flagged pull request that a repository's rules mute.

    Args:
        repository: `owner/name`.
        heard: by number, whether it is unusual without the kinds of reasons that are muted.
        policy: the rules.
        settings: the location of MongoDB.

    Raises:
        Unavailable: MongoDB does not respond.
    """
    if policy.mute == DEFAULT_POLICY.mute:
        return {}
    found = {number: "reasons" for number, is_heard in heard.items() if not is_heard}
    for number, document in _read_documents(repository, heard, PullRequest.model_fields, settings).items():
        with suppress(ValidationError):
            if mute := find_mute(policy.mute, PullRequest.model_validate(document)):
                found[number] = mute
    return found


def _read_documents(
    repository: str, numbers: Iterable[int], fields: Iterable[str], settings: Mapping[str, str]
) -> dict[int, dict[str, Any]]:
    """Read fields of some pull requests of a repository, by number; those that MongoDB lacks are left out."""
    with open_database(locate(settings)) as database:
        ids = [f"{repository}#{number}" for number in numbers]
        found = database.pull_requests.find({"_id": {"$in": ids}}, {"number": 1, **dict.fromkeys(fields, 1)})
        return {document["number"]: document for document in found}


def read_policy(repository: str, settings: Mapping[str, str]) -> AlertPolicy:
    """Return the rules of a repository that the service has read last; the defaults if there are none.

    Raises:
        Unavailable: MongoDB does not respond.
    """
    with open_database(locate(settings)) as database:
        known = database.policies.find_one({"_id": repository}, {"content": 1})
    with suppress(PolicyError):
        return parse(known["content"]) if known and known["content"] else DEFAULT_POLICY
    return DEFAULT_POLICY


def summarise_votes(repository: str, settings: Mapping[str, str]) -> list[str]:
    """Say in sentences what people called useful among the alerts of a repository, and which mutes that suggests.

    Raises:
        Unavailable: MongoDB does not respond.
    """
    with open_database(locate(settings)) as database:
        documents = read_feedback(database, repository)
    found = summarise_feedback(documents)
    if not found.voted:
        return []
    precision = f"{found.sentence}: {Share(found.useful, found.voted)}."
    return [precision, *(f"{proposal.sentence} in {PATH}." for proposal in propose_mutes(documents))]


def load_policy(path: Path) -> AlertPolicy:
    """Load rules from a file.

    Raises:
        ConfigurationError: the file can't be read, or is not valid.
    """
    try:
        with path.open("rb") as file:
            return parse(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.", advice="Check the path.") from None
    except PolicyError as error:
        advice = "Correct it; docs/reference/repository-file.md has all fields."
        raise ConfigurationError(f"{path} is not valid: {error}.", advice=advice) from None


def locate(settings: Mapping[str, str]) -> MongoSettings:
    """Return the settings of the database with the documents."""
    return MongoSettings.model_construct(mongo_uri=SecretStr(settings["MONGO_URI"]), mongo_db=settings["MONGO_DB"])

"""The contract of fetch: discover repositories, then fetch the pull requests of one into MongoDB."""

from typing import Annotated

from hera.workflows import Parameter, script
from hera.workflows.io import Output

from steps.common.contract import StepInput


class DiscoverInput(StepInput):
    """Repositories by name, by a search, or both."""

    repositories: Annotated[list[str], Parameter(name="repositories")]
    search: Annotated[str, Parameter(name="search")] = ""
    search_limit: Annotated[int, Parameter(name="search_limit")] = 20


class DiscoverOutput(Output):
    """Every repository once, in GitHub's spelling of its name, and the search's results that the token may not see."""

    repositories: Annotated[list[str], Parameter(name="repositories")]
    left_out: Annotated[list[str], Parameter(name="left_out")]


class FetchInput(StepInput):
    """One repository, `owner/name`."""

    repository: Annotated[str, Parameter(name="repository")]


class FetchOutput(Output):
    """The counts of this run; `missing` are the pull requests and fields that GitHub did not show."""

    fetched: Annotated[int, Parameter(name="fetched")]
    updated: Annotated[int, Parameter(name="updated")]
    quarantined: Annotated[int, Parameter(name="quarantined")]
    missing: Annotated[int, Parameter(name="missing")]
    requests: Annotated[int, Parameter(name="requests")]
    watermark: Annotated[str, Parameter(name="watermark")]


@script(constructor="runner")
def discover(given: DiscoverInput) -> DiscoverOutput:
    """Find the repositories to fetch."""
    from steps.common.step_frame import run_step
    from steps.fetch import discovery

    with run_step("discover"):
        found = discovery.discover(given.repositories, given.search, given.search_limit)
        return DiscoverOutput(**found._asdict())


@script(constructor="runner")
def fetch(given: FetchInput) -> FetchOutput:
    """Bring one repository's pull requests up to date."""
    from steps.common import tracing
    from steps.common.step_frame import run_step
    from steps.fetch.sync import synchronise

    with run_step("fetch"):
        tracing.describe({f"{tracing.PREFIX}repository": given.repository})
        return FetchOutput(**synchronise(given.repository))

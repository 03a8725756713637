"""The comparison of the two revisions that run: the one that users had before, and the one that is being released.

Nothing is remembered between two looks: which models run is what their services report, and they are compared since
Argo Rollouts began the analysis.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from rollouts.checks import versions
from rollouts.checks.cluster import KubernetesApi
from rollouts.checks.compare import Comparison, VersionData, compare_versions
from rollouts.checks.service import FAILURES, RunningModel, ServiceClient
from rollouts.checks.verdict import Outcome
from steps.common import mongo
from steps.common.errors import Unavailable
from steps.common.settings import MongoSettings, load


class Sides(NamedTuple):
    """The URLs of both revisions' Services, and of Prometheus, if response times count."""

    old: str
    new: str
    prometheus: str | None


class Revision(NamedTuple):
    """The new revision as Git defines it: the hash of its pods, and the digest of its model."""

    pod_hash: str
    digest: str


def compare_revisions(sides: Sides, revision: Revision, cluster: KubernetesApi) -> Comparison:
    """Compare the new revision with the old one by what happened since their analysis began.

    Raises:
        SentinelError: a service, the API server, MongoDB or Prometheus can't be read.
    """
    old, new = (_read_model(address) for address in (sides.old, sides.new))
    if new.digest != revision.digest:
        return _refuse(f"the new revision has the model {new.digest[:12]}, and Git names {revision.digest[:12]}")
    since = cluster.find_analysis_start(revision.pod_hash)
    if since is None:
        return _refuse(f"no analysis compares the revision {revision.pod_hash}")
    with mongo.open_database(load(MongoSettings)) as database:
        both = versions.read_versions(database, (old.version, new.version), since, sides.prometheus)
    found = _compare(both, (old, new))
    return replace(found, lines=(_describe(old, new, since), *found.lines))


def _read_model(address: str) -> RunningModel:
    try:
        return ServiceClient(address).model()
    except FAILURES as error:
        raise Unavailable(
            f"The service at {address} does not report its model: {error}.", advice="Look at its pods."
        ) from None


def _compare(data: list[VersionData], models: tuple[RunningModel, RunningModel]) -> Comparison:
    """Compare two versions, unless what is known of them is another model's."""
    others = [*_find_other_models(data, models)]
    return _refuse(*others) if others else compare_versions(*data)


def _find_other_models(data: list[VersionData], models: tuple[RunningModel, RunningModel]) -> Iterator[str]:
    for version, model in zip(data, models, strict=True):
        for digest in sorted(version.digests - {model.digest}):
            yield f"version {version.name} has scores of the model {digest[:12]}, and {model.digest[:12]} runs"


def _describe(old: RunningModel, new: RunningModel, since: datetime) -> str:
    return f"version {new.version} compared with version {old.version}, since {since:%Y-%m-%d %H:%M} UTC"


def _refuse(*lines: str) -> Comparison:
    return Comparison(Outcome.INCONCLUSIVE, lines)

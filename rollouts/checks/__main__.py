"""`python -m rollouts.checks CHECK ...`: exit code 0 for passed, 1 for failed, 2 for inconclusive and for wrong usage.

For `compare` they say better, worse, and not enough data. What could not be begun has the code that it has in a step.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rollouts.checks import behaviour, compare, golden, identity, plot, recent, speed, versions
from rollouts.checks.cluster import Cluster
from rollouts.checks.service import name
from rollouts.checks.verdict import Outcome, Verdict
from steps.common import mongo
from steps.common.errors import SentinelError
from steps.common.settings import MongoSettings, load


def _identity(given: argparse.Namespace) -> Outcome:
    pods = Cluster().ready(given.service) if given.service else None
    expected = identity.Revision(given.digest, given.version, given.pod_hash, given.image)
    return _told("identity", identity.verdict(expected, identity.ask(given.address, given.against, pods), pods))


def _golden(given: argparse.Namespace) -> Outcome:
    return _told("golden", golden.verdict(given.digest, *golden.ask(given.address, given.digest)))


def _behaviour(given: argparse.Namespace) -> Outcome:
    real = recent.pulls(given.pulls)
    pulls = [*real, *recent.planted(real)]
    candidate, active = (behaviour.ask(address, pulls) for address in (given.address, given.against))
    ids, planted = [name(pull) for pull in pulls], np.arange(len(pulls)) >= len(real)
    return _told("behaviour", behaviour.verdict(candidate, active, ids, planted, given.digest))


def _speed(given: argparse.Namespace) -> Outcome:
    return speed.run(given.address, given.digest)


def _all(given: argparse.Namespace) -> Outcome:
    """The worst of them all; none is left out because of another."""
    found = {check(given) for check in (_identity, _golden, _behaviour, _speed)}
    return next(outcome for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED) if outcome in found)


def _told(check: str, verdict: Verdict) -> Outcome:
    print(verdict.told(check), flush=True)  # noqa: T201 - a command's output
    return verdict.outcome


CHECKS = {"identity": _identity, "golden": _golden, "behaviour": _behaviour, "speed": _speed, "all": _all}


def _compare(given: argparse.Namespace) -> Outcome:
    with mongo.open_database(load(MongoSettings)) as database:
        old, new = (versions.read(database, name, given.days, given.prometheus) for name in given.versions)
    found = compare.comparison(old, new)
    if given.plot:
        plot.draw(given.plot, old, new, found)
    word = found.said.name.lower().replace("_", " ")
    print(*found.lines, f"version {new.name} beside version {old.name}: {word}", sep="\n")  # noqa: T201
    return Outcome(found.said.value)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What a person or a manifest asks for."""
    parser = argparse.ArgumentParser(prog="python -m rollouts.checks", description=__doc__)
    parts = parser.add_subparsers(dest="check", required=True)
    for check in CHECKS:
        part = parts.add_parser(check)
        part.add_argument("address", help="of the candidate, http://host:port")
        part.add_argument("--digest", help="of the model that must answer")
        if check in ("identity", "behaviour", "all"):
            part.add_argument("--against", required=check != "identity", help="the address of the active service")
        if check in ("identity", "all"):
            part.add_argument("--version", help="of the model that must answer")
            part.add_argument("--service", help="the candidate's, by its name in the cluster around this pod")
            part.add_argument("--pod-hash", help="of the revision that must be behind it")
            part.add_argument("--image", help="which its pods must run")
        if check in ("behaviour", "all"):
            part.add_argument("--pulls", default="samples", help="mongo, samples or a file of JSON lines (%(default)s)")
    part = parts.add_parser("compare", help="two versions, by what they did beside each other; MONGO_URI says where")
    part.add_argument("--versions", nargs=2, required=True, metavar=("OLD", "NEW"))
    part.add_argument("--days", type=int, default=7, help="that are looked at, up to now (%(default)s)")
    part.add_argument("--prometheus", help="its address, for the times of the answers")
    part.add_argument("--plot", type=Path, help="a file for a picture, .png or .svg")
    return parser.parse_args(arguments)


def main() -> int:
    """Check, say what was found, and make it the exit code."""
    given = parsed()
    try:
        return (CHECKS | {"compare": _compare})[given.check](given).value
    except SentinelError as error:
        sys.stderr.write(f"{given.check}: not done. {error}\n")
        return error.exit_code
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{given.check}: not done. A file can't be used: {error}\n")
        return Outcome.INCONCLUSIVE.value


if __name__ == "__main__":
    sys.exit(main())

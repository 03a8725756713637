"""`python -m rollouts.checks CHECK ...`: exit code 0 for passed, 1 for failed, 2 for inconclusive and for wrong usage.

A setting that is missing or a service that does not answer has the code that it has in every step.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from rollouts.checks import behaviour, golden, identity, recent, speed
from rollouts.checks.cluster import Cluster
from rollouts.checks.service import name
from rollouts.checks.verdict import Outcome, Verdict
from steps.common.errors import SentinelError


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


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What a person or a manifest asks for."""
    parser = argparse.ArgumentParser(prog="python -m rollouts.checks", description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("address", help="of the candidate, http://host:port")
    parser.add_argument("--against", help="the address of the service that is active")
    parser.add_argument("--digest", help="of the model that must answer")
    parser.add_argument("--version", help="of the model that must answer")
    parser.add_argument("--service", help="the candidate's, by its name in the cluster around this pod")
    parser.add_argument("--pod-hash", help="of the revision that must be behind it")
    parser.add_argument("--image", help="which its pods must run")
    parser.add_argument("--pulls", default="samples", help="mongo, samples or a file of JSON lines (%(default)s)")
    given = parser.parse_args(arguments)
    if given.check in ("behaviour", "all") and not given.against:
        parser.error(f"{given.check} needs --against")
    if given.service and not (given.pod_hash and given.image):
        parser.error("--service needs --pod-hash and --image")
    return given


def main() -> int:
    """Check, say what was found, and make it the exit code."""
    given = parsed()
    try:
        return CHECKS[given.check](given).value
    except SentinelError as error:
        sys.stderr.write(f"{given.check}: not done. {error}\n")
        return error.exit_code
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{given.check}: not done. {given.pulls} can't be used: {error}\n")
        return Outcome.INCONCLUSIVE.value


if __name__ == "__main__":
    sys.exit(main())

"""`python -m rollouts.checks CHECK ...`: exit code 0 for passed, 1 for failed, 2 for inconclusive or wrong usage.

For `compare` they mean better, worse, and not enough data. A check that can't start exits with the code of its error.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from rollouts.checks import (
    behaviour,
    compare,
    comparison_server,
    golden,
    identity,
    live,
    plot,
    recent,
    replay,
    speed,
    versions,
)
from rollouts.checks.cluster import KubernetesApi
from rollouts.checks.service import pull_request_id
from rollouts.checks.verdict import CheckVerdict, Outcome
from steps.common import mongo
from steps.common.errors import SentinelError
from steps.common.settings import MongoSettings, SignatureSettings, load


def _identity(given: argparse.Namespace) -> Outcome:
    pods = KubernetesApi().ready_pods(given.service) if given.service else None
    trust = load(SignatureSettings)
    expected = identity.ExpectedRevision(given.digest, given.version, given.pod_hash, given.image, trust)
    return _print_verdict(
        "identity", identity.judge(expected, identity.collect_answers(given.address, given.against, pods), pods)
    )


def _golden(given: argparse.Namespace) -> Outcome:
    return _print_verdict("golden", golden.judge(given.digest, *golden.score_golden(given.address, given.digest)))


def _behaviour(given: argparse.Namespace) -> Outcome:
    real = recent.load_pulls(given.pulls)
    pulls = [*real, *recent.inject_anomalies(real)]
    candidate, active = (behaviour.score_all(address, pulls) for address in (given.address, given.against))
    ids, injected = [pull_request_id(pull) for pull in pulls], np.arange(len(pulls)) >= len(real)
    return _print_verdict("behaviour", behaviour.judge(candidate, active, ids, injected, given.digest))


def _speed(given: argparse.Namespace) -> Outcome:
    return speed.run(given.address, given.digest)


def _replay(given: argparse.Namespace) -> Outcome:
    plan = replay.ReplayPlan(given.seconds, given.rate)
    counts = replay.replay(given.address, recent.load_pulls(given.pulls), given.digest, plan)
    return _print_verdict("replay", replay.judge(given.digest, counts))


def _all(given: argparse.Namespace) -> Outcome:
    """Run all checks before a promotion and return the worst outcome."""
    found = {check(given) for check in (_identity, _golden, _behaviour, _speed)}
    return next(outcome for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED) if outcome in found)


def _print_verdict(check: str, verdict: CheckVerdict) -> Outcome:
    print(verdict.format(check), flush=True)  # noqa: T201 - a command's output
    return verdict.outcome


CHECKS = {
    "identity": _identity,
    "golden": _golden,
    "behaviour": _behaviour,
    "speed": _speed,
    "replay": _replay,
    "all": _all,
}


def _compare(given: argparse.Namespace) -> Outcome:
    with mongo.open_database(load(MongoSettings)) as database:
        since = datetime.now(UTC) - timedelta(days=given.days)
        old, new = versions.read_versions(database, given.versions, since, given.prometheus)
    found = compare.compare_versions(old, new)
    if given.plot:
        plot.draw(given.plot, old, new, found)
    print(*found.lines, f"version {new.name} compared with version {old.name}: {found.word}", sep="\n")  # noqa: T201
    return found.outcome


def _serve_comparison(given: argparse.Namespace) -> Outcome:
    sides = live.Sides(given.old, given.new, given.prometheus)
    # A new client each time, as the token in its file is replaced before it expires.
    comparison_server.serve(lambda revision: live.compare_revisions(sides, revision, KubernetesApi()), given.port)
    return Outcome.PASSED


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m rollouts.checks", description=__doc__)
    parts = parser.add_subparsers(dest="check", required=True)
    for check in CHECKS:
        part = parts.add_parser(check)
        part.add_argument("address", help="URL of the candidate, http://host:port")
        part.add_argument("--digest", help="digest of the expected model")
        if check in ("identity", "behaviour", "all"):
            part.add_argument("--against", required=check != "identity", help="URL of the active service")
        if check in ("identity", "all"):
            part.add_argument("--version", help="version of the expected model")
            part.add_argument("--service", help="name of the candidate's Service in this cluster")
            part.add_argument("--pod-hash", help="expected pod template hash")
            part.add_argument("--image", help="expected image of the pods")
        if check == "replay":
            usual = replay.ReplayPlan()
            part.add_argument("--seconds", type=float, default=usual.seconds, help="duration (default: %(default)s)")
            part.add_argument("--rate", type=float, default=usual.rate, help="requests a second (default: %(default)s)")
        if check in ("behaviour", "replay", "all"):
            part.add_argument(
                "--pulls", default="samples", help="mongo, samples or a file of JSON lines (default: %(default)s)"
            )
    part = parts.add_parser("compare", help="compare two versions that ran side by side; needs MONGO_URI")
    part.add_argument("--versions", nargs=2, required=True, metavar=("OLD", "NEW"))
    part.add_argument("--days", type=int, default=7, help="number of days to compare, up to now (default: %(default)s)")
    part.add_argument("--prometheus", help="URL of Prometheus, for response times")
    part.add_argument("--plot", type=Path, help="file for a plot, .png or .svg")
    part = parts.add_parser("serve-comparison", help="compare the revisions that run whenever an analysis asks")
    part.add_argument("old", help="URL of the revision that users had before")
    part.add_argument("new", help="URL of the new one")
    part.add_argument("--prometheus", help="URL of Prometheus, for response times")
    part.add_argument("--port", type=int, default=8080, help="port to listen on (default: %(default)s)")
    return parser.parse_args(arguments)


COMMANDS = CHECKS | {"compare": _compare, "serve-comparison": _serve_comparison}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a check, print its verdict and return the exit code."""
    given = parse_arguments(arguments)
    try:
        return COMMANDS[given.check](given).value
    except SentinelError as error:
        sys.stderr.write(f"{given.check}: could not run. {error}\n")
        return error.exit_code
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{given.check}: could not run. A file can't be used: {error}\n")
        return Outcome.INCONCLUSIVE.value


if __name__ == "__main__":
    sys.exit(main())

"""`python -m rollouts.checks` says yes to a good candidate beside a real active service, and no to each bad one."""

import re
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from rollouts.checks.load.pulls import load_pull_requests
from tests.load import services
from tests.support import signing_keys
from tests.support.check_command import Start, check, start_check
from tests.support.waiting import wait_until

NOWHERE = "http://127.0.0.1:9"
Pair = tuple[str, str, str]


@pytest.mark.parametrize("name", ["identity", "golden", "behaviour"])
def test_a_good_candidate_passes(name: str, pair: Pair) -> None:
    """Each check by itself, with what it saw."""
    candidate, active, digest = pair
    more = {"golden": []}.get(name, [f"--against={active}"])
    done = check(name, candidate, f"--digest={digest}", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"{name}: passed\n")


def test_the_version_has_to_be_the_expected_one_too(pair: Pair) -> None:
    """One model may be registered twice."""
    candidate, _, digest = pair
    assert check("identity", candidate, f"--digest={digest}", "--version=4").returncode == 0
    done = check("identity", candidate, f"--digest={digest}", "--version=5")
    assert (done.returncode, "names the version 4 instead of 5" in done.stdout) == (1, True)


def test_where_signatures_are_required_an_unsigned_candidate_fails(pair: Pair) -> None:
    """However good it is; without a public key the check does not even begin."""
    candidate, _, digest = pair
    settings = {"MODEL_SIGNATURE": "required", "MODEL_PUBLIC_KEY": signing_keys.build(1).public}
    done = check("identity", candidate, f"--digest={digest}", **settings)
    assert (done.returncode, "The model is unsigned." in done.stdout) == (1, True)
    done = check("identity", candidate, f"--digest={digest}", MODEL_SIGNATURE="required")
    assert (done.returncode, "MODEL_PUBLIC_KEY is not set" in done.stderr) == (78, True)


@pytest.mark.parametrize("name", ["identity", "golden", "behaviour"])
def test_the_wrong_model_fails_each_check_that_knows_the_right_one(name: str, pair: Pair) -> None:
    """Though it is a sound one."""
    candidate, active, _ = pair
    more = {"golden": []}.get(name, [f"--against={active}"])
    assert check(name, candidate, f"--digest={'e' * 64}", *more).returncode == 1


@pytest.mark.parametrize("name", ["identity", "golden"])
def test_without_the_expected_digest_no_check_passes(name: str, pair: Pair) -> None:
    """The candidate's own word is none."""
    done = check(name, pair[0])
    assert (done.returncode, "no expected digest was given" in done.stdout) == (2, True)


@pytest.mark.parametrize(
    ("model", "reason"),
    [("everything", "flags 100.0% of the real pull requests"), ("nothing", "the candidate flags nothing")],
)
def test_a_model_that_flags_all_or_nothing_is_stopped_by_its_behaviour(
    model: str, reason: str, start: Start, pair: Pair
) -> None:
    """By nothing else: it is itself, and scores as at training."""
    with start(model) as candidate:
        digest = candidate.get("/model").json()["digest"]
        done = check("behaviour", candidate.address, f"--against={pair[1]}", f"--digest={digest}")
        others = [check(name, candidate.address, f"--digest={digest}").returncode for name in ("identity", "golden")]
    assert (done.returncode, reason in done.stdout) == (1, True), done.stdout + done.stderr
    assert others == [0, 0]


def test_a_candidate_that_does_not_find_the_histories_is_stopped_by_its_behaviour(start: Start, pair: Pair) -> None:
    """Its MongoDB is another, or away."""
    with start("good", {}) as candidate:
        done = check("behaviour", candidate.address, f"--against={pair[1]}")
    assert (done.returncode, "finds the repository's history for only 0.0%" in done.stdout) == (1, True), done.stdout


def test_another_build_of_the_active_model_passes_where_it_is_expected(start: Start, pair: Pair) -> None:
    """And is a comparison with itself where it is not."""
    candidate, _, digest = pair
    with start("good") as rebuilt:
        expected = check("behaviour", rebuilt.address, f"--against={candidate}", f"--digest={digest}")
        unexpected = check("behaviour", rebuilt.address, f"--against={candidate}")
    assert expected.returncode == 0, expected.stdout + expected.stderr
    assert (unexpected.returncode, "both sides have the same model" in unexpected.stdout) == (1, True)


def test_a_service_is_not_compared_with_itself(pair: Pair) -> None:
    """Whatever is expected of it."""
    done = check("behaviour", pair[0], f"--against={pair[0]}/", f"--digest={pair[2]}")
    assert (done.returncode, "would be compared with itself" in done.stdout) == (1, True)


@pytest.mark.parametrize("name", ["identity", "golden", "behaviour", "speed"])
def test_a_candidate_that_is_not_there_fails_each_check(name: str, pair: Pair) -> None:
    """With words, not with a trace."""
    more = [f"--against={pair[1]}"] if name in ("identity", "behaviour") else []
    done = start_check(name, NOWHERE, f"--digest={pair[2]}", *more)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["identity", "behaviour"])
def test_an_active_service_that_is_not_there_leaves_it_open(name: str, pair: Pair) -> None:
    """The candidate can't help it."""
    done = check(name, pair[0], f"--against={NOWHERE}", f"--digest={pair[2]}")
    assert (done.returncode, "UNCLEAR" in done.stdout) == (2, True), done.stdout + done.stderr


def test_pull_requests_are_replayed_to_the_model_that_is_expected(pair: Pair) -> None:
    """Which passes; another model or a service that is away does not."""
    address, _, digest = pair
    quick = ("--seconds=2", "--rate=30")
    done = check("replay", address, f"--digest={digest}", *quick)
    assert (done.returncode, "60 pull requests replayed, 60 scored" in done.stdout) == (0, True), done.stdout
    assert check("replay", address, *quick).returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize(("service", "code"), [(services.Service(), 0), (services.Slow(), 1), (services.Silent(), 1)])
def test_speed_is_the_verdict_of_the_load_test(service: services.Service, code: int) -> None:
    """With its limits."""
    limits = {"LOAD_SECONDS": "3", "LOAD_USERS": "30", "LOAD_THROUGHPUT": "20", "LOAD_PATIENCE": "1"}
    with services.running(service) as address:
        done = start_check(
            "speed", address, f"--digest={services.DIGEST}", **limits, LOAD_P95_MS="400", LOAD_P99_MS="450"
        )
    assert done.returncode == code, done.stdout + done.stderr


def test_the_speed_of_another_model_does_not_pass() -> None:
    """However quick it is."""
    with services.running(services.Service()) as address:
        done = start_check("speed", address, f"--digest={services.ANOTHER}")
    assert (done.returncode, "wrong model" in done.stderr) == (1, True)


def test_pull_requests_come_from_mongodb_or_a_file_or_an_error_says_why_not(pair: Pair, mongo: dict[str, str]) -> None:
    """Too few are not a verdict; none at all are not either."""
    candidate, active, digest = pair
    asked = ("behaviour", candidate, f"--against={active}", f"--digest={digest}")
    assert start_check(*asked, "--pulls=mongo").returncode == 78
    assert check(*asked, "--pulls=no-such-file").returncode == 2
    empty = check(*asked, "--pulls=mongo", **mongo)
    assert (empty.returncode, "0 real pull requests are too few" in empty.stdout) == (2, True), empty.stdout


def test_two_versions_are_compared_by_their_predictions(pair: Pair, mongo: dict[str, str], tmp_path: Any) -> None:
    """Of those that people had scored; what the checks themselves score is kept nowhere."""
    candidate, active, digest = pair
    with MongoClient[dict[str, Any]](mongo["MONGO_URI"]) as client:
        kept = client[mongo["MONGO_DB"]].predictions
        assert check("behaviour", candidate, f"--against={active}", f"--digest={digest}").returncode == 0
        pulls = load_pull_requests(None)
        for address in (candidate, active):
            requests.post(f"{address}/score", json={"pull_requests": pulls}, timeout=60).raise_for_status()
        # What is written later than these would be here, too.
        wait_until(lambda: kept.count_documents({}) >= 2 * len(pulls), "the predictions", interval=0.1)
        assert kept.count_documents({}) == 2 * len(pulls) == 1_200
    picture = tmp_path / "versions.png"
    done = check("compare", "--versions", "3", "4", f"--plot={picture}", **mongo)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(r"agreement on 600 pull requests: kappa [01]\.\d", done.stdout)
    assert done.stdout.endswith("version 4 compared with version 3: not enough data\n")
    assert picture.is_file()
    assert "can't be compared with itself" in check("compare", "--versions", "4", "4", **mongo).stdout

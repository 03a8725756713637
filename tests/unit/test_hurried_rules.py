"""Alerts whose time runs faster are otherwise those that are committed, and no wait is left out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring import rules
from tests.cluster.watching import FACTORS, REAL_AGES
from tests.support.hurried_rules import LITERAL, divide, hurry
from tests.support.promtool import run_promtool


def hurried(expression: str, **more: Any) -> dict[str, Any]:
    """Return the rule with such an expression, sixty times as fast."""
    ((rule,),) = [
        group["rules"]
        for group in hurry([{"name": "a", "rules": [{"alert": "A", "expr": expression, **more}]}], {"a": 60})
    ]
    return dict(rule)


def test_ranges_steps_ages_and_waits_are_divided() -> None:
    """And nothing else."""
    rule = hurried('time() - min(x{route=~"/5m"} > 0) > 30 * 3600 or min_over_time(x[2d:1h]) >= 200', **{"for": "5m"})
    assert rule["expr"] == (
        'time() - min(x{route=~"/5m"} > 0 / 60) > 30 * 3600 / 60 or min_over_time(x[2880000ms:60000ms]) >= 200'
    )
    assert rule["for"] == "5000ms"


def test_a_range_without_a_step_of_its_own_keeps_prometheus_own() -> None:
    """The colon stays."""
    assert hurried("max_over_time(x[1h:]) > 0")["expr"] == "max_over_time(x[60000ms:]) > 0"


def test_an_age_that_is_real_stays() -> None:
    """Its ranges don't."""
    group = {"name": "a", "rules": [{"alert": "A", "expr": "time() - max(last_over_time(x[1h])) > 14 * 86400"}]}
    ((rule,),) = [one["rules"] for one in hurry([group], {"a": 60}, {"A"})]
    assert rule["expr"] == "time() - max(last_over_time(x[60000ms])) > 14 * 86400"


def test_an_alert_may_have_a_factor_of_its_own() -> None:
    """Others have their group's."""
    group = {"name": "a", "rules": [{"alert": name, "expr": "x", "for": "1h"} for name in "AB"]}
    (found,) = hurry([group], {"a": 60, "B": 3_600})
    assert [rule["for"] for rule in found["rules"]] == ["60000ms", "1000ms"]


@pytest.mark.parametrize(
    "expression",
    ["x offset 1d > 0", "x > 5m", "x > 2000", "x > 3 * 60", "time() - x > 5", "x[1d:1f]", "x[5x]"],
    ids=["an offset", "a number with a unit", "seconds", "a product", "no age", "no step", "no range"],
)
def test_a_wait_of_another_form_is_refused(expression: str) -> None:
    """It would stay as long as it is, and the alert would fire never, or by something else."""
    with pytest.raises(ValueError, match=r"is outside of brackets|only ages are|is not a duration"):
        hurried(expression)


def test_of_every_wait_something_is_left() -> None:
    """A wait of nothing is another alert."""
    with pytest.raises(ValueError, match="nothing is left"):
        divide("1s", 1_001)


def test_prometheus_reads_the_committed_rules_hurried(tmp_path: Path) -> None:
    """None of their durations is as it was."""
    groups = hurry(rules.load_groups(), FACTORS, REAL_AGES)
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}))
    done = run_promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    given = [rule["expr"] for group in groups for rule in group["rules"]]
    assert {unit for expression in given for _, unit in LITERAL.findall(expression)} == {"ms"}
    assert {rule["for"][-2:] for group in groups for rule in group["rules"] if "for" in rule} == {"ms"}

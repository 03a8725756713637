"""The tools behind the reference read messages, commands and tables as the pages need them."""

from pathlib import Path

import pytest

from docs.tools import commands, errors, markdown, settings, template
from rollouts.checks.load.settings import LoadSettings


def collect(tmp_path: Path, *modules: str) -> list[tuple[str, str, str]]:
    """The messages of modules with these texts, in a tree of their own."""
    for number, text in enumerate(modules):
        path = tmp_path / "steps" / f"module_{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return [(found.kind, found.problem, found.advice) for found in errors.collect(tmp_path)]


def test_a_message_has_a_gap_for_each_value(tmp_path: Path) -> None:
    """In f-strings, also where they are written in two pieces."""
    code = 'raise NotFound(f"No {name} " f"in {place!r}.", advice="Look again.")'
    assert collect(tmp_path, code) == [("NotFound", "No … in ….", "Look again.")]


def test_advice_by_a_constant_is_that_of_its_own_module(tmp_path: Path) -> None:
    """The same name in another module does not count; a module's name in front of it does."""
    own = 'AGAIN = "Run it again."\nDataError("Bad.", advice=AGAIN)\n'
    other = 'AGAIN = "Build it again."\nDataError("Worse.", advice=module_0.AGAIN)\n'
    assert [advice for _, _, advice in collect(tmp_path, own, other)] == ["Run it again.", "Run it again."]


def test_errors_derived_from_the_tree_count_and_other_calls_do_not(tmp_path: Path) -> None:
    """A message that is nothing but a value says nothing."""
    code = 'class Lost(NotFound): ...\nLost("Gone.", advice="")\nValueError("No.")\nNotFound(message, advice="Look.")\n'
    assert collect(tmp_path, code) == [("Lost", "Gone.", "")]


def test_a_table_leaves_out_columns_without_content_and_keeps_bars_literal() -> None:
    """A line break in a cell becomes a space."""
    shown = markdown.table(("a", "b", "c"), [["x|y", "", "1\n2"]])
    assert shown == "| a | c |\n| --- | --- |\n| x\\|y | 1 2 |"


def test_a_sentence_is_the_first_paragraph_on_one_line() -> None:
    """With a capital letter."""
    assert markdown.sentence("of two\nlines.\n\nMore.") == "Of two lines."
    assert markdown.sentence("") == ""


def test_targets_are_those_with_a_description() -> None:
    """As `make help` lists them."""
    assert commands.targets()["help"] == "List the commands"
    assert not any(name.startswith(".") for name in commands.targets())


def test_a_variable_has_the_prefix_of_its_settings() -> None:
    """Such as LOAD_ for the load test."""
    assert settings.variable(LoadSettings, "p95_ms") == "LOAD_P95_MS"


@pytest.mark.parametrize("field", ["arguments", "templates"])
def test_the_template_is_what_is_rendered(field: str) -> None:
    """It has the parts that the reference reads."""
    assert template.spec()[field]

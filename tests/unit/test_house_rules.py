"""The house rules name each broken rule with its file and line."""

import pytest

from tests.house_rules import __main__ as house_rules
from tests.house_rules import names, words
from tests.house_rules.finding import Finding


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("A planted anomaly.", "word planted"),
        ("It was taken back.", "word taken back"),
        ("Made-up rows.", "word made-up"),
        ("A stand-in.", "word stand-in"),
        ("The body is no JSON.", "word is no "),
        ("There is none.", "word is none"),
        ("The caller is told.", "word told"),
        ("Mend it.", "word mend"),
        ("Write it anew.", "word anew"),
        ("The branches contradict each other.", "word contradict each other"),
        ("The address of a pull request.", "word address of a pull request"),
        ("That is odd.", "word is odd"),
    ],
)
def test_a_word_to_replace_is_found_in_a_document_with_its_line(text: str, rule: str) -> None:
    """On the second line, in any case."""
    (found,) = words.find("docs/page.md", f"Fine.\n{text}\n")
    assert (found.path, found.line, found.rule) == ("docs/page.md", 2, rule)


def test_in_python_words_count_in_strings_and_comments_and_not_in_names() -> None:
    """A docstring of several lines counts by the line in it."""
    code = '"""Fine.\n\nMend it.\n"""\nmend = 1  # mend it\ntext = f"mend {mend}"\n'
    assert [finding.line for finding in words.find("steps/a.py", code)] == [3, 5, 6]


def test_words_that_only_look_like_one_to_replace_are_fine() -> None:
    """Parts of longer words, and idioms."""
    fine = (
        "A plantain, an amendment, untold riches; they can be told apart.\n"
        "There is no other, and it is no longer one.\n"
    )
    assert list(words.find("a.md", fine)) == []


def test_a_function_named_by_a_participle_is_found() -> None:
    """Regular or not; verbs, longer names and properties are fine."""
    code = "def told(): ...\nasync def _parsed(): ...\ndef feed(): ...\ndef parse(): ...\ndef is_closed(): ...\n"
    code += "@property\ndef closed(): ...\n"
    found = list(names.find({"steps/a.py": code}))
    assert [(one.line, one.rule) for one in found] == [(1, "function told"), (2, "function _parsed")]


def test_a_class_name_used_twice_is_found_at_both_places() -> None:
    """Each finding names the other file."""
    found = list(names.find({"a.py": "class Part: ...\n", "b.py": "\nclass Part: ...\nclass Whole: ...\n"}))
    assert [(one.path, one.line) for one in found] == [("a.py", 1), ("b.py", 2)]
    assert "also in b.py" in found[0].advice


def test_old_constants_old_classes_and_questions_in_docstrings_are_found() -> None:
    """Constants at module level only."""
    code = (
        "MOST_ROWS = 1\nPATIENCE: int = 2\nclass Judge: ...\ndef listening(): ...\n"
        'def rows():\n    """Whether there are any."""\n'
    )
    assert {one.rule for one in names.find({"a.py": code})} == {
        "constant MOST_ROWS",
        "constant PATIENCE",
        "class Judge",
        "function listening",
        "docstring",
    }


def test_a_broken_rule_fails_with_file_and_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And all of them are shown; without any, it passes."""
    monkeypatch.setattr(house_rules, "tracked", lambda: {"a.md": "Fine.\nMend it.\n", "b.md": "Mend it.\n"})
    assert house_rules.main() == 1
    assert {"a.md:2: word mend: write fix", "b.md:1: word mend: write fix"} <= set(capsys.readouterr().out.splitlines())
    monkeypatch.setattr(house_rules, "tracked", lambda: {"a.md": "Fine.\n"})
    assert house_rules.main() == 0


def test_a_finding_reads_as_file_line_rule_and_advice() -> None:
    """So that editors can jump to it."""
    assert str(Finding("a.py", 3, "word mend", "write fix")) == "a.py:3: word mend: write fix"

"""The house rules name each broken rule with its file and line."""

import pytest

from tests.house_rules import __main__ as house_rules
from tests.house_rules import names, sizes, words
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


@pytest.mark.parametrize(("lines", "found"), [(300, []), (301, [("a.py", 301, "file of 301 lines")])])
def test_a_python_file_has_three_hundred_lines_at_most(lines: int, found: list[tuple[str, int, str]]) -> None:
    """What is too much begins at the line that is named; a last line counts with or without its end."""
    for text in ("x = 1\n" * lines, "x = 1\n" * (lines - 1) + "x = 1"):
        assert [one[:3] for one in sizes.find({"a.py": text})] == found


@pytest.mark.parametrize("head", ["def find():", "async def find():"])
@pytest.mark.parametrize(("lines", "rules"), [(45, []), (46, ["function find of 46 lines"])])
def test_a_function_has_forty_five_lines_at_most(head: str, lines: int, rules: list[str]) -> None:
    """From `def` to the end of the last statement, wherever the function is; decorators don't count."""
    code = f"@one\n@two\n{head}\n" + "    x = (\n" + "    1 +\n" * (lines - 3) + "    1)\n"
    within = "class Part:\n    def outer(self): ...\n" + "".join(f"    {line}\n" for line in code.splitlines())
    assert [(one.line, one.rule) for one in sizes.find({"a.py": code})] == [(3, rule) for rule in rules]
    assert [(one.line, one.rule) for one in sizes.find({"a.py": within})] == [(5, rule) for rule in rules]


def test_a_function_within_another_counts_for_both() -> None:
    """Each has its finding, and its line."""
    code = "def outer():\n    def inner():\n" + "        x = 1\n" * 46
    assert [(one.line, one.rule) for one in sizes.find({"a.py": code})] == [
        (1, "function outer of 48 lines"),
        (2, "function inner of 47 lines"),
    ]


@pytest.mark.parametrize("folder", ["steps", "tests/unit", "benchmarks", "infra"])
def test_sizes_are_checked_wherever_python_is(folder: str) -> None:
    """In the tests too, whose words and names are not."""
    path = f"{folder}/a.py"
    long = "def find():\n" + "    x = 1\n" * 300
    assert [(one.line, one.rule) for one in house_rules.check({path: long, f"{folder}/a.md": "Fine.\n" * 400})] == [
        (1, "function find of 301 lines"),
        (301, "file of 301 lines"),
    ]
    wording = house_rules.check({path: "def told(): ...  # mend it\n", f"{folder}/a.md": "Mend it.\n"})
    assert (wording == []) == folder.startswith("tests")


def test_what_is_generated_is_not_read() -> None:
    """Everything else is, tests and benchmarks too."""
    read = house_rules.tracked()
    assert {"tests/unit/test_house_rules.py", "benchmarks/README.md", "steps/train/step.py", "README.md"} <= read.keys()
    assert [path for path in read if path.startswith(("docs/reference/", "gitops/base/workflows/"))] == []


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

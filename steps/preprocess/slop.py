"""Long, tidy descriptions of next to nothing, composed from phrases that could stand anywhere."""

from pathlib import PurePosixPath
from random import Random
from typing import NamedTuple


class Slop(NamedTuple):
    """A title and a description."""

    title: str
    body: str


TITLES = (
    "docs: improve clarity and readability of {file}",
    "Enhance {file} for better readability",
    "Improve documentation consistency in {file}",
    "refactor: clarify wording in {file}",
    "Improve developer experience by clarifying {file}",
    "docs: refine wording for improved accessibility",
)
SUMMARIES = (
    "This pull request improves the clarity, consistency and readability of `{file}`.",
    "This change enhances `{file}` so that readers can understand its purpose at a glance.",
    "This PR introduces a focused refinement to `{file}` that aligns it with widely accepted best practices.",
    "In this contribution, the wording of `{file}` has been carefully revised to be clearer and more inclusive.",
)
MOTIVATIONS = (
    "Clear documentation is essential for onboarding new contributors and for long-term maintainability.",
    "Ambiguous wording can lead to misunderstandings, which in turn slows down development.",
    "A consistent tone throughout the project helps to establish trust with users and contributors alike.",
    "Readable comments reduce the cognitive load on reviewers and make the codebase more approachable.",
    "Well-structured text supports both newcomers and experienced developers in their daily work.",
)
CHANGES = (
    "**Improved wording** for greater clarity",
    "**Enhanced readability** through concise phrasing",
    "**Ensured consistency** with the rest of the document",
    "**Refined terminology** to follow common conventions",
    "**Clarified intent** so that the purpose is easier to grasp",
    "**Polished grammar** and punctuation",
)
BENEFITS = (
    "Better onboarding experience for new contributors",
    "Reduced ambiguity and fewer questions",
    "Improved long-term maintainability",
    "A more professional and welcoming impression",
    "Easier navigation for all readers",
)
CHECKS = (
    "I have read the contributing guidelines",
    "My changes follow the style of this project",
    "No functional changes have been introduced",
    "I have performed a self-review of my changes",
    "The documentation has been updated accordingly",
)
CLOSINGS = (
    "Please let me know if any further adjustments are needed. I am happy to iterate on this!",
    "Thank you for maintaining this wonderful project. Feedback is very welcome!",
    "I look forward to your review and will gladly address any comments.",
)
MARKS = ("", "", "✨ ", "📝 ", "🚀 ")


def compose(path: str, random: Random) -> Slop:
    """Compose a title and some 800 to 1,600 characters of Markdown about the file at `path`."""
    file, mark = PurePosixPath(path).name, random.choice(MARKS)
    sections = [
        ("Summary", random.choice(SUMMARIES).format(file=file)),
        ("Motivation", " ".join(random.sample(MOTIVATIONS, random.randint(2, 3)))),
        ("Changes", _bullets("- ", CHANGES, random)),
        ("Benefits", _bullets("- ", BENEFITS, random)),
        ("Checklist", _bullets("- [x] ", CHECKS, random)),
    ]
    if random.random() < 0.3:  # noqa: PLR2004 - some go on about less
        del sections[random.choice([1, 3])]
    body = "\n\n".join(f"## {mark}{heading}\n\n{text}" for heading, text in sections)
    return Slop(random.choice(TITLES).format(file=file), f"{body}\n\n---\n\n{random.choice(CLOSINGS)}")


def _bullets(begin: str, phrases: tuple[str, ...], random: Random) -> str:
    chosen = random.sample(phrases, random.randint(3, len(phrases) - 1))
    return "\n".join(f"{begin}{phrase}" for phrase in chosen)

"""Markdown: tables, and text that has to stay literal inside a cell."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Generated from the code by `make reference`; do not edit. -->"


def page(title: str, *blocks: str) -> str:
    """Join blocks into a page with one title and a note that it is generated."""
    return "\n\n".join((GENERATED, f"# {title}", *(block.strip() for block in blocks))) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table of Markdown cells; line breaks in them become spaces, and a column without content is left out."""
    filled = list(rows)
    kept = [place for place in range(len(header)) if any(row[place] for row in filled)]
    lines = [[line[place] for place in kept] for line in (header, ["---"] * len(header), *filled)]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def code(text: object) -> str:
    """Quote text as code; nothing stays nothing."""
    return f"`{text}`" if str(text) else ""


def sentence(text: str) -> str:
    """Return the first paragraph of a docstring on one line, with a capital letter at its start."""
    first = " ".join(text.strip().split("\n\n")[0].split())
    return first[:1].upper() + first[1:]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")

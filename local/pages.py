"""Pages of HTML that need nothing but themselves, whatever the titles in them try."""

import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def filled(template: str, **values: Any) -> str:
    """The whole page; every value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(values)


def write(page: str, path: Path) -> None:
    """Write a page in one move."""
    unfinished = path.with_suffix(f".unfinished-{os.getpid()}")
    unfinished.write_text(page, "utf-8")
    unfinished.replace(path)

"""Self-contained HTML pages, safe against untrusted titles."""

import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """Render a template; every value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(values)


def write(page: str, path: Path) -> None:
    """Write a page atomically."""
    unfinished = path.with_suffix(f".unfinished-{os.getpid()}")
    unfinished.write_text(page, "utf-8")
    unfinished.replace(path)

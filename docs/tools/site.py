"""A hook of MkDocs: links that leave `docs/` lead to the file in the repository."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

LINK = re.compile(r"\]\((\.\./[^)#\s]*)(#[^)\s]*)?\)")
DOCS = Path(__file__).resolve().parents[1]
BRANCH = "blob/main"


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Rewrite the links of one page that lead out of the folder of the documentation.

    Raises:
        FileNotFoundError: such a link leads to no file or folder.
    """
    folder = (DOCS / PurePosixPath(page.file.src_uri)).parent

    def rewrite(link: re.Match[str]) -> str:
        target = (folder / link[1]).resolve(strict=True)
        if target.is_relative_to(DOCS):
            return link[0]
        path = target.relative_to(DOCS.parent).as_posix()
        return f"]({config['repo_url']}/{BRANCH}/{path}{link[2] or ''})"

    return LINK.sub(rewrite, markdown)

"""The manifests that must be refused. The first line of each says by whom, and the words of the refusal.

`# schema: WORDS` is refused by the schemas, before anything reaches a cluster. `# cluster: WORDS` is refused by the API
server of a cluster that has `gitops/base`; a second line `# as: USER` says who asks, if not an administrator.
"""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "refused"


class Refusal(NamedTuple):
    """A manifest and why it is refused."""

    path: Path
    by: str
    words: str
    user: str | None


def refusals(by: str) -> list[Refusal]:
    """Those that one of the two refuses."""
    found = [read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    return [refusal for refusal in found if refusal.by == by]


def read(path: Path) -> Refusal:
    """What a manifest says of itself."""
    first, second = path.read_text("utf-8").splitlines()[:2]
    by, _, words = first.removeprefix("# ").partition(": ")
    return Refusal(path, by, words, second.removeprefix("# as: ") if second.startswith("# as: ") else None)

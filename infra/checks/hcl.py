"""The modules' files, read block by block, without a provider."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import hcl2.utils

IS_BLOCK = "__is_block__"
LABELS = {"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}
OPTIONS = hcl2.utils.SerializationOptions(with_comments=False)


@dataclass(frozen=True)
class Block:
    """One top-level block: `resource "aws_s3_bucket" "this"` has the labels aws_s3_bucket and this."""

    path: Path
    kind: str
    labels: tuple[str, ...]
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The type as names of providers have it: `aws_s3_bucket`, `data.aws_region`, `provider.aws`."""
        return f"{self.kind}.{self.labels[0]}" if self.kind in {"data", "provider"} else self.labels[0]

    def __str__(self) -> str:
        return f"{self.path}: {' '.join((self.kind, *self.labels))}"


def read(folder: Path) -> list[Block]:
    """Read all files below a folder; Raises: an error of the parser, for what is not HCL."""
    paths = sorted([*folder.rglob("*.tf"), *folder.rglob("*.tofu")])
    return [block for path in paths if ".terraform" not in path.parts for block in _read_file(path, folder)]


def _read_file(path: Path, folder: Path) -> Iterator[Block]:
    for kind, bodies in _parse(path.read_text("utf-8")).items():
        for body in bodies:
            yield from _unwrap(path.relative_to(folder), kind, body, ())


@cache
def _parse(text: str) -> Mapping[str, Any]:
    """Parse a file, the same text once: copies of it are checked, and the parser is slow."""
    parsed: Mapping[str, Any] = hcl2.loads(text, serialization_options=OPTIONS)
    return parsed


def _unwrap(path: Path, kind: str, body: Mapping[str, Any], labels: tuple[str, ...]) -> Iterator[Block]:
    if len(labels) == LABELS.get(kind, 0):
        yield Block(path, kind, labels, body)
        return
    for label, inner in body.items():
        if label != IS_BLOCK:
            yield from _unwrap(path, kind, inner, (*labels, unquote(label)))


def unquote(text: Any) -> Any:
    """Return a literal string without its quotes; anything else, expressions too, as it is."""
    is_literal = isinstance(text, str) and len(text) > 1 and text[0] == text[-1] == '"' and "${" not in text
    return text[1:-1] if is_literal else text


def nested(body: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the nested blocks of one name, those of `dynamic` too; nothing for an argument."""
    values = body.get(name, [])
    found = [value for value in values if _is_block(value)] if isinstance(values, list) else []
    for dynamic in body.get("dynamic", []):
        for label, inner in dynamic.items():
            if label != IS_BLOCK and unquote(label) == name:
                found += inner.get("content", [])
    return found


def names(body: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield what a body sets: each argument or nested block by name, with the blocks (none for an argument)."""
    for name, value in body.items():
        if name == "dynamic":
            yield from (
                (unquote(label), nested(body, unquote(label))) for each in value for label in each if label != IS_BLOCK
            )
        elif name != IS_BLOCK:
            yield name, [each for each in value if _is_block(each)] if isinstance(value, list) else []


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and IS_BLOCK in value


def strings(value: Any) -> Iterator[str]:
    """Yield every string and expression in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)

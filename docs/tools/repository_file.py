"""The reference of a watched repository's own file: every field, and the kinds of reasons that it can mute."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.tools.markdown import code, page, sentence, table
from steps.serve.policy import KINDS, MAX_BYTES, PATH, AlertPolicy, Mutes

HEADER = ("field", "value", "meaning")
EXAMPLE = """```yaml
mode: comment
weekly_alerts: 3
alert_budget: 0.01
mute:
  authors: ["dependabot[bot]"]
  paths: ["docs/**", "**/*.md"]
  labels: [release]
  reasons: [binary_files]
```"""
BOUNDS = {"minimum": "from", "maximum": "to", "maxItems": "at most"}


def render() -> str:
    """Render the page."""
    return page(
        "A repository's file",
        f"`{PATH}` on the default branch of a watched repository sets how its pull requests are treated. Every field "
        "is optional. What a pull request changes in it holds only once it is merged.",
        EXAMPLE,
        table(HEADER, _rows(AlertPolicy.model_json_schema(), "")),
        "## mute",
        sentence(Mutes.__doc__ or ""),
        table(HEADER, _rows(Mutes.model_json_schema(), "mute.")),
        "The kinds of reasons: " + ", ".join(map(code, KINDS)) + ".",
        "## A file that is not valid",
        "It is not used: the log names its problems, the next alert says so, and the defaults hold. So it is with a "
        f"file of more than {MAX_BYTES:,} bytes, an unknown field, a key that appears twice, and YAML aliases.",
        "## When it is read",
        "The service asks GitHub for it after a push that changes it, if the webhook delivers `push` events, and "
        "otherwise once an hour at most, and only while pull requests are delivered. Requests are conditional. The "
        "token or the App needs *Contents: read* for it in a private repository.",
    )


def _rows(schema: Mapping[str, Any], prefix: str) -> Iterator[list[str]]:
    for name, field in schema["properties"].items():
        yield [code(f"{prefix}{name}"), _value(field), sentence(field.get("description", ""))]


def _value(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return "see below"
    options = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    (shown,) = options
    if values := shown.get("enum"):
        return ", ".join(map(code, values))
    kind = "list" if shown["type"] == "array" else shown["type"]
    return " ".join([kind, *(f"{word} {shown[key]:g}" for key, word in BOUNDS.items() if key in shown)])

"""The reference of the HTTP interface, from the service's own OpenAPI description."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.tools.markdown import code, page, sentence, table
from steps.serve.app import create_app

Json = Mapping[str, Any]
HIDDEN = frozenset({"HTTPValidationError", "ValidationError"})


def render() -> str:
    """Render the page."""
    description = create_app().openapi()
    headers = description["components"]["headers"]
    blocks = [
        "The running service describes itself at `/openapi.json`. Errors are problem documents "
        "(`application/problem+json`, RFC 9457).",
        "## Headers of every response",
        table(("header", "content"), [[code(name), sentence(one["description"])] for name, one in headers.items()]),
    ]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            blocks += _operation(method, path, operation)
    blocks.append("## Schemas")
    for name, schema in sorted(description["components"]["schemas"].items()):
        if name not in HIDDEN and "properties" in schema:
            blocks += _schema(name, schema)
    return page("HTTP", *blocks)


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"## {method.upper()} {path}"
    yield sentence(operation.get("description", operation["summary"]))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if named := _type(body):
        yield f"Body: {named}"
    if parameters := operation.get("parameters"):
        rows = [[code(one["name"]), one["in"], sentence(one.get("description", ""))] for one in parameters]
        yield table(("parameter", "in", "content"), rows)
    responses = [
        [status, _answer(response), sentence(response["description"])]
        for status, response in sorted(operation["responses"].items())
    ]
    yield table(("status", "body", "when"), responses)


def _answer(response: Json) -> str:
    content = response.get("content", {})
    return _type(next((one["schema"] for one in content.values() if one.get("schema")), {}))


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    if text := schema.get("description"):
        yield sentence(text)
    required = set(schema.get("required", ()))
    rows = [
        [code(field), _type(one), "" if field in required else "optional", sentence(one.get("description", ""))]
        for field, one in schema["properties"].items()
    ]
    yield table(("field", "type", "", "content"), rows)


def _type(schema: Json) -> str:
    """Name a JSON schema in a few words; a reference becomes a link."""
    if reference := schema.get("$ref"):
        name = str(reference).rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf"):
        # That all else is taken too is said in words.
        return " or ".join(filter(None, (_type(option) for option in options)))
    if values := schema.get("enum"):
        return ", ".join(code(value) for value in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {})) or 'values'}"
    kinds = schema.get("type", "")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)

"""How long a Python file and a function may be: what is longer does more than one thing."""

import ast
import io
from collections.abc import Iterator, Mapping

from tests.house_rules.finding import Finding

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 45
"""From `def` to the last line; decorators don't count, as the cases of a parametrised test are among them."""


def find(sources: Mapping[str, str]) -> Iterator[Finding]:
    """Find what is too long in Python files, given as path and text."""
    for path, text in sources.items():
        lines = sum(1 for _ in io.StringIO(text))
        if lines > MAX_FILE_LINES:
            advice = f"split it by subject, {MAX_FILE_LINES} at most"
            yield Finding(path, MAX_FILE_LINES + 1, f"file of {lines} lines", advice)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    advice = f"split it, {MAX_FUNCTION_LINES} at most"
                    yield Finding(path, node.lineno, f"function {node.name} of {lines} lines", advice)

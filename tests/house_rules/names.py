"""Names in the code: verbs for functions, one class for each name, constants by the usual prefixes."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tests.house_rules.finding import Finding

IRREGULAR = frozenset(
    {"told", "written", "made", "found", "kept", "drawn", "built", "said", "taken", "sent", "given", "shown", "known"}
    | {"held", "gone", "bound", "begun"}
)
PARTICIPLE = re.compile(r"_*[a-z]{2,}(?<!e)ed$")
OLD_CLASSES = {
    "Obstacle": "TransientError",
    "Together": "MicroBatcher",
    "Boundary": "RequestMiddleware",
    "Identities": "CredentialProvider",
    "Judge": "Scorer",
    "Telling": "Notification",
    "Announcer": "Notifier",
    "Asked": "ScoreInput",
    "Seen": "PullRequestSummary",
    "Closed": "DisabledReceiver",
    "Place": "StepResources",
    "Told": "StatusReport",
    "Hub": "GitHubRepo",
}
OLD_FUNCTIONS = {
    "again": "replay_body",
    "announcing": "messages",
    "census": "counts",
    "everybody": "collect_status",
    "listening": "webhook_lifespan",
    "openings": "recent_pull_requests",
    "verdicts": "validate",
    "whose": "source",
}
OLD_CONSTANT = re.compile(r"_?(MOST|LEAST|LARGEST|LONGEST|SHORTEST)_[A-Z_]+|PATIENCE|TRIES_AGAIN|MAY_PASS")
QUESTION = re.compile(r"(What|Whether|How|Where|Who|Which) ")


def find(sources: Mapping[str, str]) -> Iterator[Finding]:
    """Find names to replace in Python files, given as path and text."""
    classes: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, text in sources.items():
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes[node.name].append((path, node.lineno))
        yield from _in_file(path, tree)
    for name, places in classes.items():
        for path, line in places if len(places) > 1 else ():
            others = ", ".join(sorted({other for other, _ in places} - {path})) or "the same file"
            yield Finding(path, line, f"class {name}", f"also in {others}: give each a name of its own")


def _in_file(path: str, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if (name.strip("_") in IRREGULAR or PARTICIPLE.fullmatch(name)) and not _is_property(node):
                    yield Finding(path, node.lineno, f"function {name}", "name it by a verb in the imperative")
                if name.strip("_") in OLD_FUNCTIONS:
                    yield Finding(path, node.lineno, f"function {name}", f"use {OLD_FUNCTIONS[name.strip('_')]}")
                if QUESTION.match(ast.get_docstring(node) or ""):
                    yield Finding(path, node.lineno, "docstring", "begin with a verb or a noun phrase")
            case ast.ClassDef(name=name) if name in OLD_CLASSES:
                yield Finding(path, node.lineno, f"class {name}", f"use {OLD_CLASSES[name]}")
    for node in tree.body:
        for name in _assigned(node):
            if OLD_CONSTANT.fullmatch(name):
                yield Finding(path, node.lineno, f"constant {name}", "use MAX_, MIN_, DEFAULT_, …_TIMEOUT, …_SECONDS")


def _is_property(node: ast.AST) -> bool:
    """Return whether a function reads as an attribute, which may have an adjective's name."""
    decorators = getattr(node, "decorator_list", ())
    return any(isinstance(one, ast.Name) and one.id in {"property", "cached_property"} for one in decorators)


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    yield from (target.id for target in targets if isinstance(target, ast.Name))

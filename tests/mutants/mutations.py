"""Small changes of a module's syntax tree, each of which changes what the code does."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

Swaps = dict[type[ast.AST], tuple[type[ast.AST], ...]]

COMPARISONS: Swaps = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: Swaps = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
CALLS = {
    "any": "all",
    "all": "any",
    "min": "max",
    "max": "min",
    "floor": "ceil",
    "ceil": "floor",
    "fullmatch": "match",
    "partition": "rpartition",
    "rpartition": "partition",
    "startswith": "endswith",
    "removeprefix": "removesuffix",
    "compare_digest": "eq",
}
UNWRAPPED = frozenset({"abs", "sorted", "set", "reversed"})
"""Calls that may also be left out."""


_DECIDING: dict[type[ast.AST], tuple[str, ...]] = {
    ast.FunctionDef: ("args", "body"),
    ast.AsyncFunctionDef: ("args", "body"),
    ast.arguments: ("defaults", "kw_defaults"),
    ast.ClassDef: ("body",),
    ast.AnnAssign: ("value",),
}
"""The parts of nodes that are visited: neither annotations nor decorators."""


@dataclass(frozen=True)
class Mutant:
    """A changed module: the line of the change, what stood and what stands there, and its turn among its like."""

    line: int
    before: str
    after: str
    tree: ast.Module
    turn: int = 1

    @property
    def name(self) -> str:
        """The change in words, with the names of what is around it: the same if its line moves."""
        around = [_find_name(one) for one in ast.walk(self.tree) if isinstance(one, ast.stmt) and self._is_in(one)]
        like = f" ({self.turn})" if self.turn > 1 else ""
        return f"{'.'.join(filter(None, around))}: {self.before}  =>  {self.after}{like}".removeprefix(": ")

    def _is_in(self, node: ast.stmt) -> bool:
        is_named = not isinstance(node, ast.Assign | ast.AnnAssign) or node in self.tree.body
        return is_named and node.lineno <= self.line <= (node.end_lineno or node.lineno)


def _find_name(node: ast.stmt) -> str:
    """Return the name of a function, class or constant; empty for any other statement."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return str(getattr(node.targets[0] if isinstance(node, ast.Assign) else node.target, "id", ""))
    return str(getattr(node, "name", ""))


def mutate(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's text."""
    turns = Counter[str]()
    for mutant in _find_mutants(source):
        turns[mutant.name] += 1
        yield replace(mutant, turn=turns[mutant.name])


def _find_mutants(source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    count = _Mutator(-1)
    count.visit(deepcopy(tree))
    for number in range(count.seen):
        mutator = _Mutator(number)
        changed = deepcopy(tree)
        mutator.visit(changed)
        yield Mutant(*mutator.change, ast.fix_missing_locations(changed))


class _Mutator(ast.NodeTransformer):
    """Makes the change with one number, counted in the order of the visit."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self.seen = 0
        self.change = (0, "", "")

    def visit(self, node: ast.AST) -> ast.AST:
        if _is_left_alone(node):
            return node
        for change in _CHANGES:
            for changed in change(node):
                self.seen += 1
                if self.seen - 1 == self._wanted:
                    place = node.target if isinstance(node, ast.comprehension) else node
                    self.change = (getattr(place, "lineno", 0), _show(node), _show(changed))
                    return ast.copy_location(changed, node)
        for name in _DECIDING.get(type(node), node._fields):
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                setattr(node, name, self.visit(part))
            elif isinstance(part, list):
                part[:] = [self.visit(one) if isinstance(one, ast.AST) else one for one in part]
        return node


def _is_left_alone(node: ast.AST) -> bool:
    """Return whether nothing in a node decides: documentation, imports, what only type checkers read, and texts."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)


def _show(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(deepcopy(node)))
    return " ".join(text.split())


def _swap_comparisons(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in COMPARISONS.get(type(operator), ()):
                changed = deepcopy(node)
                changed.ops[place] = other()  # type: ignore[call-overload]
                yield changed


def _swap_operators(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.BinOp) and not _is_type(node):
        for other in OPERATORS.get(type(node.op), ()):
            yield ast.BinOp(node.left, other(), node.right)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand


def _is_type(node: ast.BinOp) -> bool:
    """Return whether this is a union of types, `X | None`."""
    return isinstance(node.op, ast.BitOr) and isinstance(node.right, ast.Constant) and node.right.value is None


def _leave_out_operands(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield ast.BoolOp(other, node.values)
        for place in range(len(node.values)):
            rest = [value for index, value in enumerate(node.values) if index != place]
            yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]


def _change_constants(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
        if node.value:
            yield ast.Constant(node.value * 10)


def _change_calls(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in CALLS:
        changed = deepcopy(node)
        if isinstance(changed.func, ast.Attribute):
            changed.func.attr = CALLS[name]
        else:
            changed.func = ast.Name(CALLS[name], ast.Load())
        yield changed
    if name in UNWRAPPED and len(node.args) == 1 and isinstance(node.func, ast.Name):
        yield node.args[0]
    if name == "setdefault":
        changed = deepcopy(node)
        changed.func = ast.Attribute(changed.func.value, "__setitem__", ast.Load())  # type: ignore[attr-defined]
        yield changed


def _negate_conditions(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        changed = deepcopy(node)
        changed.test = ast.UnaryOp(ast.Not(), changed.test)
        yield changed
    if isinstance(node, ast.comprehension):
        for place in range(len(node.ifs)):
            changed_part = deepcopy(node)
            del changed_part.ifs[place]
            yield changed_part


def _leave_out_statements(node: ast.AST) -> Iterator[ast.AST]:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom | ast.Await)
    if is_call or isinstance(node, ast.Raise | ast.AugAssign):
        yield ast.Pass()
    if isinstance(node, ast.Continue):
        yield ast.Break()
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield ast.Return(ast.Constant(None))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


_CHANGES: tuple[Callable[[ast.AST], Iterator[ast.AST]], ...] = (
    _swap_comparisons,
    _swap_operators,
    _leave_out_operands,
    _change_constants,
    _change_calls,
    _negate_conditions,
    _leave_out_statements,
)

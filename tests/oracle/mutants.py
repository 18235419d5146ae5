"""Assemblers with one condition taken out: a guard, a weight (or one of two), or one operand of a boolean.

A mutant is named by what was taken out and where, so that it stays the same when lines move.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import types
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

PACKAGE = "one_trace.assemble"
FILE = Path(__file__).with_name("mutants.json")
What = Literal["guard", "cost", "operand"]


class Mutant(msgspec.Struct, frozen=True, omit_defaults=True):
    """`source`: what is taken out, as `ast.unparse` writes it; `nth`: which of several such in the
    function."""

    module: str
    function: str
    what: What
    source: str
    nth: int = 0

    def __str__(self) -> str:
        return f"{self.module}.{self.function}: {self.what} `{' '.join(self.source.split())}`"


def read_mutants() -> list[Mutant]:
    return msgspec.json.decode(FILE.read_bytes(), type=list[Mutant])


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant that can be made of a module of the assembler."""
    cut = Cut(module, None)
    cut.visit(ast.parse(source_of(module)))
    return cut.found


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """While the body runs, the assembler is the mutant. Raises LookupError if it has no such condition."""
    cut = Cut(mutant.module, mutant)
    tree = ast.fix_missing_locations(cut.visit(ast.parse(source_of(mutant.module))))
    if not cut.done:
        raise LookupError(str(mutant))
    with replaced(importlib.import_module(full_name(mutant.module)), tree, mutant.function):
        yield


@contextmanager
def replaced(module: types.ModuleType, tree: ast.AST, within: str | None = None) -> Iterator[None]:
    """While the body runs, a module's functions have the code of this tree; `within`: only those that this
    scope is in."""
    changed = dict(_codes(compile(tree, str(module.__file__), "exec")))
    before = [(function, function.__code__) for function in _patch(module, changed, within)]
    for function, code in before:
        awaitable = code.co_flags & inspect.CO_ITERABLE_COROUTINE  # set by the decorator `coroutine`
        new = changed[function.__qualname__]
        function.__code__ = new.replace(co_flags=new.co_flags | awaitable)
    try:
        yield
    finally:
        for function, code in before:
            function.__code__ = code


def full_name(module: str) -> str:
    return PACKAGE if module == "__init__" else f"{PACKAGE}.{module}"


def source_of(module: str) -> str:
    return inspect.getsource(importlib.import_module(full_name(module)))


class Cut(ast.NodeTransformer):
    """Lists what can be taken out, and takes out `want`."""

    def __init__(self, module: str, want: Mutant | None) -> None:
        self.found: list[Mutant] = []
        self.done = False
        self._module, self._want = module, want
        self._scopes: list[str] = []
        self._compared: set[int] = set()
        self._seen: Counter[tuple[str, What, str]] = Counter()

    def _is_wanted(self, what: What, node: ast.AST) -> bool:
        function, source = ".".join(self._scopes), ast.unparse(node)
        nth = self._seen[function, what, source]
        self._seen[function, what, source] += 1
        self.found.append(Mutant(self._module, function, what, source, nth))
        wanted = self.found[-1] == self._want
        self.done = self.done or wanted
        return wanted

    def _in_scope(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        self._scopes.append(node.name)
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_FunctionDef = visit_ClassDef = _in_scope

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if self._scopes and not node.orelse and self._is_wanted("guard", node):
            return ast.Pass()
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        is_weight = isinstance(node.value, ast.Name) and node.value.id == "weights" and self._scopes
        is_weight = is_weight and id(node) not in self._compared
        return ast.Constant(0) if is_weight and self._is_wanted("cost", node) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """What a sum is compared with is no weight of it."""
        self._compared.update(map(id, (node.left, *node.comparators)))
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        for operand in node.values if self._scopes else ():
            if self._is_wanted("operand", operand):
                left = [other for other in node.values if other is not operand]
                return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
        return node


def _codes(code: types.CodeType, above: str = "") -> Iterator[tuple[str, types.CodeType]]:
    """The code of all functions by qualified name, local ones left out."""
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            name = f"{above}{inner.co_name}"
            yield name, inner
            yield from _codes(inner, f"{name}.")


def _patch(module: types.ModuleType, changed: dict[str, types.CodeType], within: str | None) -> list[Any]:
    """The functions of a module in which the mutant's scope is."""
    found = []
    for value in vars(module).values():
        members = (
            [value] if inspect.isfunction(value) else vars(value).values() if inspect.isclass(value) else ()
        )
        for member in members:
            function = _function(member)
            if function is None or function.__module__ != module.__name__:
                continue
            if within is None or f"{within}.".startswith(f"{function.__qualname__}."):
                found.append(function)
    return [function for function in found if function.__qualname__ in changed]


def _function(member: object) -> Any:
    inner = (
        getattr(member, "fget", None) or getattr(member, "func", None) or getattr(member, "__func__", None)
    )
    function = inner or member
    return function if inspect.isfunction(function) else None

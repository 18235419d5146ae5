"""Which conditions of the assembler decide something in a run: only there can it matter that one is taken
out.

Each condition of a module is made to say when it decides: a guard whose body is run, a weight, an operand but
for which the outcome would be another.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.oracle.mutants import Cut, Mutant, full_name, replaced, source_of

_DECIDES = "_ablation_decides"
_TERM = "_ablation_term"
_OPERAND = "_ablation_operand"


class _Places(Cut):
    """Also the node of each condition."""

    def __init__(self, module: str) -> None:
        super().__init__(module, None)
        self.nodes: list[ast.AST] = []

    def _is_wanted(self, what: Any, node: ast.AST) -> bool:
        self.nodes.append(node)
        return super()._is_wanted(what, node)


class _Probe(ast.NodeTransformer):
    def __init__(self, numbers: dict[int, int]) -> None:
        self._numbers = numbers

    def visit_If(self, node: ast.If) -> ast.AST:
        number = self._numbers.get(id(node))
        self.generic_visit(node)
        if number is not None:
            node.body = [ast.Expr(_call(_DECIDES, number)), *node.body]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        number = self._numbers.get(id(node))
        self.generic_visit(node)
        return node if number is None else _call(_TERM, number, node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        numbers = [self._numbers.get(id(value)) for value in node.values]
        kept = list(node.values)
        self.generic_visit(node)
        for at, number in enumerate(numbers):
            if number is None:
                continue
            always = any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(kept[at]))
            last = at == len(kept) - 1
            how = ast.Constant((isinstance(node.op, ast.Or), last, always))
            node.values[at] = _call(_OPERAND, number, how, node.values[at])
        return node


def _call(name: str, number: int, *values: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [ast.Constant(number), *values], [])


class Reach:
    """What has decided something since the last `take`."""

    def __init__(self, mutants: Sequence[Mutant]) -> None:
        self._mutants = mutants
        self._decided: set[int] = set()

    def take(self) -> set[Mutant]:
        found = {self._mutants[number] for number in self._decided}
        self._decided.clear()
        return found

    def decides(self, number: int) -> None:
        self._decided.add(number)

    def term(self, number: int, value: Any) -> Any:
        if value:
            self._decided.add(number)
        return value

    def operand(self, number: int, how: tuple[bool, bool, bool], value: Any) -> Any:
        either, last, always = how
        if bool(value) is either or always or (last and not isinstance(value, bool)):
            self._decided.add(number)
        return value


@contextmanager
def reached(modules: Sequence[str]) -> Iterator[Reach]:
    """While the body runs, the conditions of these modules say when they decide something."""
    mutants: list[Mutant] = []
    reach = Reach(mutants)
    with ExitStack() as stack:
        for name in modules:
            places, tree = _Places(name), ast.parse(source_of(name))
            places.visit(tree)
            numbers = {id(node): len(mutants) + at for at, node in enumerate(places.nodes)}
            mutants += places.found
            probed = ast.fix_missing_locations(_Probe(numbers).visit(tree))
            module = importlib.import_module(full_name(name))
            vars(module).update({_DECIDES: reach.decides, _TERM: reach.term, _OPERAND: reach.operand})
            stack.enter_context(replaced(module, probed))
        yield reach

"""Applies a mutant to the syntax tree of a file, so that layout, comments and quotes do not matter."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from tests.mutants.mutant import Mutant


class Mismatch(Exception):
    """The mutant does not match the source; the message says why."""


@dataclass(frozen=True)
class _Place:
    """The position of a node, or of consecutive statements, in the tree."""

    parent: ast.AST
    field: str
    index: int | None
    length: int = 1

    def put(self, new: list[ast.AST]) -> None:
        """Put new nodes at this position."""
        if self.index is None:
            setattr(self.parent, self.field, new[0])
            return
        among = getattr(self.parent, self.field)
        among[self.index : self.index + self.length] = new


def mutated(source: str, mutant: Mutant) -> str:
    """Return a module's source with the mutant's part of a function or class replaced.

    Raises:
        Mismatch: the scope does not exist, the part does not occur in it exactly once, or the part is not valid Python.
    """
    scope, old = mutant.scope, mutant.old
    module, before, after = ast.parse(source), _parsed(old), _parsed(mutant.new)
    this, other = _expression(before), _expression(after)
    wanted: list[ast.AST] = [*before]
    instead: list[ast.AST] = [*after] or [ast.Pass()]
    if this is not None and other is not None:  # else statements are replaced by statements
        wanted, instead = [this], [other]
    found = list(_places(_scope(module, scope), wanted))
    if len(found) != 1:
        raise Mismatch(f"{old!r} stands {len(found)} times in {scope or 'the module'}, not once")
    found[0].put(instead)
    return ast.unparse(ast.fix_missing_locations(module)) + "\n"


def _parsed(code: str) -> list[ast.stmt]:
    try:
        return ast.parse(code).body
    except SyntaxError as error:
        raise Mismatch(f"{code!r} is no Python: {error.msg}") from error


def _expression(statements: list[ast.stmt]) -> ast.expr | None:
    return statements[0].value if len(statements) == 1 and isinstance(statements[0], ast.Expr) else None


def _scope(module: ast.Module, name: str) -> ast.AST:
    at: ast.AST = module
    for part in filter(None, name.split(".")):
        inside = (node for node in ast.walk(at) if node is not at and getattr(node, "name", None) == part)
        named = [node for node in inside if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
        if len(named) != 1:
            raise Mismatch(f"{name}: there are {len(named)} classes or functions {part}, not one")
        at = named[0]
    return at


def _places(scope: ast.AST, wanted: list[ast.AST]) -> Iterator[_Place]:
    texts = [ast.unparse(node) for node in wanted]
    kind = ast.expr if isinstance(wanted[0], ast.expr) else ast.stmt
    for parent in ast.walk(scope):
        for field, value in ast.iter_fields(parent):
            among = cast("list[ast.AST]", value if isinstance(value, list) else [value])
            for index in range(len(among) - len(texts) + 1):
                nodes = among[index : index + len(texts)]
                if all(isinstance(node, kind) for node in nodes) and [ast.unparse(node) for node in nodes] == texts:
                    yield _Place(parent, field, index if isinstance(value, list) else None, len(texts))

"""No function leaves a reference cycle behind by raising an exception that was assigned to its variable.

The exception's traceback refers to the frame, and the frame to the exception: together with all variables of
the callers they stay until the garbage collector runs, which in a worker is seldom.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.project.imports import sources, tree_of

Function = ast.FunctionDef | ast.AsyncFunctionDef


def raised_variables(function: Function) -> Iterator[ast.Raise]:
    """Where a variable is raised that was assigned; one of `except ... as` is deleted by Python."""
    assigned = {name for node in ast.walk(function) for name in _assigned(node)}
    dropped = {name for finally_ in _cleanups(function) for name in _set_to_none(finally_)}
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Raise)
            and isinstance(node.exc, ast.Name)
            and node.exc.id in assigned - dropped
        ):
            yield node


def _assigned(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _cleanups(function: Function) -> Iterator[ast.stmt]:
    for node in ast.walk(function):
        if isinstance(node, ast.Try):
            yield from node.finalbody


def _set_to_none(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
        yield from (target.id for target in statement.targets if isinstance(target, ast.Name))


def found(path: Path) -> list[str]:
    tree = tree_of(path)
    functions = (node for node in ast.walk(tree) if isinstance(node, Function))
    return [f"{path}:{node.lineno}" for function in functions for node in raised_variables(function)]


def test_no_function_raises_an_exception_that_it_has_assigned() -> None:
    assert [place for path in sources() for place in found(path)] == []


def test_such_a_function_is_found() -> None:
    bad = "def f():\n    error = ValueError()\n    raise error\n"
    good = "def f():\n    try:\n        pass\n    except ValueError as error:\n        raise error\n"
    trees = [ast.parse(text).body[0] for text in (bad, good)]
    assert [len(list(raised_variables(tree))) for tree in trees if isinstance(tree, Function)] == [1, 0]

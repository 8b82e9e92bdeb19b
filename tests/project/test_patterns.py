"""No regular expression takes more than linear time, whatever it is given.

Each pattern of the tree is given strings that come as far as each of its repetitions, go on for long with
what is repeated there, and then fail to match. A pattern that tries again from every place takes thousands of
times as long for them as one that does not.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from re import _constants as ops
from re import _parser as parser
from time import thread_time
from typing import Any

import pytest

from tests.project.imports import sources, tree_of

LENGTH = 2_000
"""Characters of an attack: linear time is some 10 microseconds, quadratic time some 20 milliseconds."""
LIMIT = 0.004
"""Seconds of this thread's CPU: what others do on the machine meanwhile is not counted."""
ENDS = ("", "\x01", "\n!")
REPEATS = {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}
SEARCHES = frozenset({"search", "sub", "subn", "split", "findall", "finditer"})


def module_name(source: object) -> str:
    return ".".join(str(source).removesuffix(".py").removesuffix("/__init__").split("/"))


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every pattern that a module or a class of it has as a constant, once, by its name."""
    found: dict[str, re.Pattern[Any]] = {}
    seen = set()
    for source in sources():
        if source.name == "__main__.py":
            continue
        module = importlib.import_module(module_name(source))
        classes = [one for one in vars(module).values() if isinstance(one, type)]
        for name, value in chain.from_iterable(vars(owner).items() for owner in (module, *classes)):
            if isinstance(value, re.Pattern) and (value.pattern, value.flags) not in seen:
                seen.add((value.pattern, value.flags))
                found[f"{module_name(source)}.{name}"] = value
    return found


PATTERNS = patterns()


@cache
def searched() -> set[str]:
    """The names of patterns that are not only matched at the start of a string."""
    return {
        node.func.value.id if isinstance(node.func.value, ast.Name) else node.func.value.attr
        for source in sources()
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SEARCHES
        and isinstance(node.func.value, ast.Name | ast.Attribute)
    }


def one_of(items: list[Any]) -> str:
    """A character of a class, a letter or digit where there is one."""
    wanted = re.compile("[" + "".join(map(class_text, items)) + "]")
    return next(
        char for char in map(chr, (*range(97, 123), *range(256), 0xD800, 0x2028)) if wanted.match(char)
    )


def class_text(item: Any) -> str:
    op, value = item
    if op is ops.NEGATE:
        return "^"
    if op is ops.LITERAL:
        return f"\\U{value:08x}"
    if op is ops.RANGE:
        return f"\\U{value[0]:08x}-\\U{value[1]:08x}"
    names = {"DIGIT": "d", "NOT_DIGIT": "D", "SPACE": "s", "NOT_SPACE": "S", "WORD": "w", "NOT_WORD": "W"}
    return "\\" + names[value.name.removeprefix("CATEGORY_")]


def shortest(nodes: Iterable[Any]) -> str:
    """A string that the nodes match, without what they only look for."""
    return "".join(map(shortest_of_one, nodes))


def shortest_of_one(node: Any) -> str:
    op, value = node
    if op in REPEATS:
        return shortest(value[2]) * value[0]
    if op is ops.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if op in {ops.LITERAL, ops.IN}:
        return one_of(value if op is ops.IN else [node])
    below = nested(op, value)
    return shortest(below[0]) if below else "a" if op is ops.ANY else ""


def attacks(nodes: Iterable[Any], before: str = "") -> Iterator[tuple[str, str]]:
    """For each repetition: what comes before it, and what is repeated in it."""
    for node in nodes:
        op, value = node
        if op in REPEATS:
            yield before, shortest(value[2])
            yield from attacks(value[2], before)
        for below in nested(op, value):
            yield from attacks(below, before)
        before += shortest_of_one(node)


def nested(op: Any, value: Any) -> list[Any]:
    if op is ops.BRANCH:
        return list(value[1])
    if op is ops.SUBPATTERN:
        return [value[3]]
    return [value] if op is ops.ATOMIC_GROUP else []


def alphabet(nodes: Iterable[Any]) -> set[str]:
    """A character for each atom, and white space: what two neighbours can both match."""
    found = {" ", "\t", "a", "1"}
    for op, value in nodes:
        if op in REPEATS:
            found |= alphabet(value[2])
        elif op in {ops.LITERAL, ops.IN}:
            found.add(shortest_of_one((op, value)))
        for below in nested(op, value):
            found |= alphabet(below)
    return found


def hostile(pattern: re.Pattern[Any]) -> Iterator[Any]:
    """Long strings, or bytes, that the pattern comes far in and does not match."""
    tree = parser.parse(
        pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    )
    letters = sorted(alphabet(tree))
    for before, repeated in {("", "a"), *attacks(tree)}:
        for pump in {repeated, *letters, *(letter + repeated for letter in letters)} - {""}:
            for end in ENDS:
                text = before + pump * (LENGTH // len(pump)) + end
                yield text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def slowest(pattern: re.Pattern[Any], *, search: bool) -> tuple[float, Any]:
    """The longest time that the pattern takes, in seconds, and for what."""
    worst, what = 0.0, None
    for text in hostile(pattern):
        for method in (pattern.match, pattern.fullmatch, *((pattern.search,) if search else ())):
            taken = best_of_some(method, text)
            if taken > worst:
                worst, what = taken, (method.__name__, text[:40], text[-5:])
    return worst, what


def best_of_some(method: Any, text: Any) -> float:
    """The shortest of some times: what an interrupt takes, or a cold cache, may be counted once or twice."""
    best = 1.0
    for _ in range(5):
        began = thread_time()
        method(text)
        best = min(best, thread_time() - began)
        if best < LIMIT:
            break
    return best


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_linear_time(name: str) -> None:
    taken, what = slowest(PATTERNS[name], search=name.rpartition(".")[2] in searched())
    assert taken < LIMIT, f"{taken * 1000:.1f} ms for {what}"


@pytest.mark.parametrize(
    "bad", [rb"(a+):[ \t]*(x?)[ \t]*\Z", r"(a|a)*b", r"(\w+\s?)*\Z", r"a+b+a+c", r"\s+\Z|x"]
)
def test_a_pattern_that_takes_longer_is_found(bad: str | bytes) -> None:
    assert any(best_of_some(re.compile(bad).search, text) >= LIMIT for text in shortened(bad))


def shortened(bad: str | bytes) -> Iterator[Any]:
    """Attacks on a bad pattern, cut short where it would take years."""
    for text in hostile(re.compile(bad)):
        yield text[: 19 if bad in (r"(a|a)*b", r"(\w+\s?)*\Z") else None] + text[-1:]


def test_patterns_are_constants_so_that_all_are_tested() -> None:
    """`re.compile` in a function, or `re.match` there, would hide a pattern from the test."""
    hidden = [
        f"{source}:{node.lineno}"
        for source in sources()
        for function in ast.walk(tree_of(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr != "escape"
    ]
    assert not hidden
    assert len(PATTERNS) > 50


def unrestored(parsed: Any) -> Iterator[Any]:
    """Possessive and atomic groups that may fail behind what they have read."""
    for op, value in parsed:
        for part in parts_of(op, value):
            if op in {ops.POSSESSIVE_REPEAT, ops.ATOMIC_GROUP} and len(part) > 1:
                yield part
            yield from unrestored(part)


def parts_of(op: Any, value: Any) -> list[Any]:
    """The patterns within one."""
    if op in REPEATS:
        return [value[2]]
    if op is ops.BRANCH:
        return list(value[1])
    if op is ops.SUBPATTERN:
        return [value[3]]
    return [value] if op is ops.ATOMIC_GROUP else []


def test_no_group_is_possessive_that_reads_more_than_one_thing() -> None:
    # CPython issue 106052: before 3.11.5 it does not go back to where a round began that fails.
    wrong = {
        name: pattern.pattern
        for name, pattern in PATTERNS.items()
        if any(unrestored(parser.parse(pattern.pattern, pattern.flags)))
    }
    assert wrong == {}


def test_a_possessive_group_of_two_things_is_seen() -> None:
    assert any(unrestored(parser.parse(r"(?:/[a-z]++)*+")))
    assert any(unrestored(parser.parse(r"a(b|(?>cd))")))
    assert not any(unrestored(parser.parse(r"[a-z]++(?:a|bc)*+")))

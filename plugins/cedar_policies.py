"""Files of Cedar policies and entities, with the place of whatever is wrong with them."""

import json
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

MAX_BYTES = 4 * 1024 * 1024
# Comments and strings may have a semicolon that ends nothing.
_TOKEN = re.compile(r'//[^\n]*+|"(?:[^"\\\n]++|\\.)*+"|[A-Za-z_][A-Za-z0-9_]*+|[0-9]++|\s++|.', re.DOTALL)
_NAMED = re.compile(r"`([^`]{1,100})`")


class PolicyError(ValueError):
    """What is wrong with a file: `orders.cedar:3:7: …`."""


def read_policies(files: Sequence[Path]) -> Any:
    """The policies of all files, as one set.

    Raises:
        PolicyError: a file can't be read, or is not Cedar.
        ImportError: cedarpy is not installed.
    """
    parse = import_module("cedarpy").PolicySet.from_str
    texts = []
    for file in files:
        text = _read(file)
        try:
            parsed = parse(text)
        except ValueError as error:
            line, column = _place(text, str(error), parse)
            raise PolicyError(f"{file}:{line}:{column}: {_one_line(error)}") from None
        if parsed.templates():
            raise PolicyError(f"{file}:1:1: has a template, which permits and forbids nothing")
        texts.append(text)
    try:
        return parse("\n".join(texts))
    except ValueError as error:
        raise PolicyError(f"{files[0]}:1:1: {_one_line(error)}") from None


def read_entities(file: Path) -> list[dict[str, Any]]:
    """The entities of a JSON file. Raises PolicyError, and ImportError as `read_policies`."""
    text = _read(file)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise PolicyError(f"{file}:{error.lineno}:{error.colno}: {error.msg}") from None
    except RecursionError:
        raise PolicyError(f"{file}:1:1: is nested too deeply") from None
    try:
        import_module("cedarpy").Entities.from_json_str(text)
    except ValueError as error:
        raise PolicyError(f"{file}:1:1: {_one_line(error)}") from None
    if not isinstance(found, list):
        raise PolicyError(f"{file}:1:1: must be a list of entities")
    return found


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise PolicyError(f"{file} is larger than {MAX_BYTES} bytes")
        return data.decode()
    except OSError as error:
        raise PolicyError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PolicyError(f"{file}:1:1: is not UTF-8") from None


def _place(text: str, message: str, parse: Any) -> tuple[int, int]:
    """The line and column of an error of which Cedar only says what it is.

    The first policy that gives it, and in that the first place up to which all gives it, or that has what
    it names.
    """
    for start, end in _policies(text):
        policy = text[start:end]
        said = _error(policy, parse)
        if said is None:
            continue
        named = _NAMED.search(said)
        wanted = "" if named is None else named[1]
        places = _occurrences(policy, wanted)
        exact = [place for place in places if _error(policy[: place + len(wanted)], parse) == said]
        offset = start + next(iter(exact or places), 0)
        return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
    return 1, 1


def _error(text: str, parse: Any) -> str | None:
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return None


def _policies(text: str) -> Iterator[tuple[int, int]]:
    """Where each policy begins and ends."""
    start, begun = 0, False
    for token in _TOKEN.finditer(text):
        if not begun:
            start, begun = token.start(), not (token[0].isspace() or token[0].startswith("//"))
        if token[0] == ";":
            yield start, token.end()
            begun = False
    if begun:
        yield start, len(text)


def _occurrences(policy: str, wanted: str) -> list[int]:
    return [token.start() for token in _TOKEN.finditer(policy) if token[0] == wanted]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

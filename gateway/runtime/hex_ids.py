"""Random ids, made in blocks: to ask for a few bytes each time costs several times as much."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Final

_BLOCK: Final = 256
"""Ids that are made at once."""


def hex_ids(size: int) -> Callable[[], str]:
    """Makes ids of `size` random bytes in lower case hexadecimal, which nobody can foretell.

    Never all zeros, which is no id of a trace or a span (W3C Trace Context section 3.2.2). To be called in
    the process that uses them: after a fork, both would make the same.
    """
    return partial(next, chain.from_iterable(_blocks(size)))


def _blocks(size: int) -> Iterator[list[str]]:
    zeros = "00" * size
    while True:
        made = os.urandom(_BLOCK * size).hex(" ", size).split()
        yield [one for one in made if one != zeros]

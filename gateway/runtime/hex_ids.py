"""Random ids, made in blocks: to ask for a few bytes each time costs several times as much."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

_BLOCK = 256
"""Ids that are made at once."""


def hex_ids(size: int) -> Callable[[], str]:
    """Makes ids of `size` random bytes in lower case hexadecimal, which nobody can foretell.

    Never all zeros, which is no id of a trace or a span (W3C Trace Context section 3.2.2). To be called in
    the process that uses them: after a fork, both would make the same.
    """
    return _ids(size).__next__


def _ids(size: int) -> Iterator[str]:
    digits = 2 * size
    zeros = "0" * digits
    while True:
        block = os.urandom(_BLOCK * size).hex()
        for at in range(0, len(block), digits):
            made = block[at : at + digits]
            if made != zeros:
                yield made

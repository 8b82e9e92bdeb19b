"""What mypyc is told of a class, where it compiles the class's module. To Python it means nothing.

mypyc knows what is asked of it by a name of `mypy_extensions`. Nothing that runs needs that package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:

    def mypyc_attr(**_wanted):
        """A decorator that leaves a class as it is."""
        return lambda cls: cls


__all__ = ["mypyc_attr"]

"""The ids by which people are referred to."""

from __future__ import annotations

import secrets

ID_BYTES = 12
"""Enough that no id is ever drawn twice."""


def new_user_id(source: str) -> str:
    """The id of a new person of that source (`file` or `store`)."""
    return f"{source}:{secrets.token_hex(ID_BYTES)}"

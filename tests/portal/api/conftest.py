"""Programs with tokens."""

from __future__ import annotations

import pytest

from tests.portal.api.program import Program, token_of
from tests.portal.reader import Reader


@pytest.fixture
def program(developer: Reader, gateway: str) -> Program:
    """A developer's program."""
    return Program(gateway, token_of(developer, gateway))

"""Fixtures for tests that talk to scripted upstreams; each test runs on both event loops that may serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.upstream.scripted import make_upstream, serve

__all__ = ["make_upstream", "serve"]

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
try:
    import uvloop
except ImportError:
    pass  # not made for this platform
else:
    LOOPS["uvloop"] = uvloop.new_event_loop


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops that a test runs on; pytest-asyncio before 1.4 runs on the first only."""
    return LOOPS

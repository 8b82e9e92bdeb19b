"""Clocks that are wrong: own tokens live exactly as long as the store says, and keys stay."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import Caller, seconds_until
from tests.running import Running

HOUR = 3600


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def ahead(folder: Path, seconds: int) -> Path:
    file = folder / "ahead"
    file.write_text(str(seconds))
    return file


@pytest.mark.parametrize(("seconds", "form"), [(-600, "opaque"), (600, "jwt")])
async def test_with_clocks_minutes_apart_a_token_lives_exactly_its_lifetime_at_both_gateways(
    own_valkey: Valkey, start: StartCaller, tmp_path: Path, seconds: int, form: str
) -> None:
    wrong = await start(own_valkey.url, ahead=ahead(tmp_path, seconds), tokens={"format": form})
    right = await start(own_valkey.url, tokens={"format": form})
    gateways = (wrong.gateway, right.gateway)
    await asyncio.gather(*(lives_exactly(2, issuer, gateways) for issuer in (wrong, right)))
    assert await seconds_until(lambda: _says_that_clocks_differ(wrong)) < 10
    assert not right.gateway.found("clock is")


async def lives_exactly(lifetime: int, issuer: Caller, gateways: Sequence[Running]) -> None:
    """A new token is taken by all for its lifetime, and by nobody afterwards."""
    judges = [Caller(gateway) for gateway in gateways]
    asked = time.monotonic()
    token = await issuer.token(lifetime)
    issued = time.monotonic()
    assert [await one.use(token) for one in judges] == [200, 200] or time.monotonic() > asked + lifetime
    if token.count(".") == 2:
        told = claims(token)
        assert told["exp"] - told["iat"] == lifetime
        assert abs(told["iat"] - time.time()) < 5, "by the store's clock"
    await asyncio.sleep(max(0.0, asked + lifetime - 0.2 - time.monotonic()))
    alive = [await one.use(token) for one in judges]
    # A slow machine may get here too late to see the last moments.
    assert alive == [200, 200] or time.monotonic() > asked + lifetime
    await asyncio.sleep(max(0.0, issued + lifetime + 0.1 - time.monotonic()))
    assert [await one.use(token) for one in judges] == [401, 401]
    for judge in judges:
        await judge.close()


async def _says_that_clocks_differ(caller: Caller) -> bool:
    _, body = await caller.ready()
    return caller.gateway.found("clock is 6") is not None and "clock is" in str(body["warnings"])


async def test_a_clock_that_is_stepped_forth_and_back_ends_no_token_and_replaces_no_key(
    own_valkey: Valkey, start: StartCaller, tmp_path: Path
) -> None:
    step = ahead(tmp_path, 2 * HOUR)
    caller = await start(own_valkey.url, ahead=step, tokens={"format": "jwt"})
    first = await caller.token(600)
    keys = await _kids(caller)
    for seconds in (0, 48 * HOUR, -48 * HOUR, 0):
        step.write_text(str(seconds))
        assert await caller.use(first) == 200
        later = await caller.token(601 + abs(seconds) % 7)
        assert await caller.use(later) == 200
        assert await _kids(caller) == keys
    assert await caller.use(first) == 200


async def _kids(caller: Caller) -> list[str]:
    answer = await caller.ask("/jwks")
    return [key["kid"] for key in json.loads(answer.content)["keys"]]

"""What many clients see of two workers at once, written down and judged afterwards.

Whatever the order of things: a token that was revoked is refused from then on, by the other worker a tenth
of a second later at most; none lives past its end; none is refused before; and none is ever taken for
another client's.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.bounds import lag_noted
from tests.conftest import Valkey
from tests.standards.caller import basic, served, standard_config

CLIENTS = ("shop", "other")
SECONDS = 2.0
PATIENCE = 20.0
TASKS = 8
HEARD_WITHIN = 0.1
"""Seconds until the other worker has heard of a revocation."""
NEW = 0.6
"""How often something is done with one of the newest tokens."""


@dataclass
class Token:
    """One token, and the moments between which things happened to it."""

    text: str
    owner: str
    dead_after: float
    """No later than this it ends."""
    dead_before: float
    """Up to here it is live, unless it is revoked."""
    revoking_since: float | None = None
    revoked: float | None = None
    """When the first revocation was acknowledged."""


@dataclass
class Use:
    """A request with a token."""

    token: Token
    begun: float
    ended: float
    status: int
    seen_as: str | None


@dataclass
class History:
    tokens: list[Token] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    lag: float = 0.0
    """See `Lag`."""


class Actor:
    """A client that does this and that."""

    def __init__(self, session: aiohttp.ClientSession, url: str, history: History, seed: int) -> None:
        self.session = session
        self.url = url
        self.history = history
        self.chance = random.Random(seed)  # noqa: S311 (the same history each time, as far as chance goes)

    async def act(self) -> None:
        things = [self.issue, self.use, self.revoke, self.revoke_anothers]
        await self.chance.choices(things, [3, 12, 2, 1])[0]()

    def some_token(self) -> Token | None:
        # One of the newest, with which others do things too; or any, which may have ended meanwhile.
        tokens = self.history.tokens[-40:] if self.chance.random() < NEW else self.history.tokens
        return self.chance.choice(tokens) if tokens else None

    async def post(self, path: str, owner: str, **form: str) -> tuple[int, bytes]:
        headers = basic(owner, f"{owner}-secret")
        async with self.session.post(self.url + path, data=form, headers=headers) as response:
            return response.status, await response.read()

    async def issue(self) -> None:
        owner = self.chance.choice(CLIENTS)
        form = {"grant_type": "client_credentials", "validity_period": self.chance.choice("12")}
        headers = basic(owner, f"{owner}-secret")
        begun = time.monotonic()
        async with self.session.post(self.url + "/token", data=form, headers=headers) as response:
            assert response.status == 200
            answer = await response.json()
        lives = answer["expires_in"]
        token = Token(answer["access_token"], owner, time.monotonic() + lives, begun + lives)
        self.history.tokens.append(token)

    async def use(self) -> None:
        token = self.some_token()
        if token is None:
            return
        headers = {"Authorization": f"Bearer {token.text}"}
        begun = time.monotonic()
        async with self.session.get(self.url + "/any", headers=headers) as response:
            found = dict(await response.json(content_type=None)) if response.status == 200 else {}
        use = Use(token, begun, time.monotonic(), response.status, found.get("X-Client-Id"))
        self.history.uses.append(use)

    async def revoke(self) -> None:
        token = self.some_token()
        if token is None:
            return
        if token.revoking_since is None:
            token.revoking_since = time.monotonic()
        status, body = await self.post("/revoke", token.owner, token=token.text)
        assert (status, body) == (200, b"")
        if token.revoked is None:
            token.revoked = time.monotonic()

    async def revoke_anothers(self) -> None:
        token = self.some_token()
        if token is None:
            return
        other = CLIENTS[1 - CLIENTS.index(token.owner)]
        status, _ = await self.post("/revoke", other, token=token.text)
        # It may have ended, which is no secret and no harm.
        assert status in (200, 400)


def judge(history: History) -> list[str]:
    """Everything that must not have happened."""
    wrong = []
    # On a machine under load, a worker may be kept from running: then its requests take as long.
    margin = HEARD_WITHIN + max([history.lag, *(use.ended - use.begun for use in history.uses)])
    for use in history.uses:
        token = use.token
        if use.status == 200:
            if use.seen_as != token.owner:
                wrong.append(f"{token.owner}'s token was taken for {use.seen_as}'s")
            if token.revoked is not None and use.begun > token.revoked + margin:
                wrong.append(f"used {use.begun - token.revoked:.3f} s after its revocation")
            if use.begun > token.dead_after + margin:
                wrong.append(f"used {use.begun - token.dead_after:.3f} s after its end")
        elif use.status == 401:
            may_be_revoked = token.revoking_since is not None and token.revoking_since < use.ended
            if not may_be_revoked and use.ended < token.dead_before - margin:
                wrong.append("refused while it was live")
        else:
            wrong.append(f"answered with {use.status}")
    return wrong


def worth_judging(history: History) -> bool:
    """Every kind of thing has happened."""
    late = [use for use in history.uses if use.token.revoked and use.begun > use.token.revoked]
    ended = [use for use in history.uses if use.begun > use.token.dead_after]
    good = [use for use in history.uses if use.status == 200]
    return min(len(late), len(ended), len(good)) >= 5


async def play(url: str) -> History:
    history = History()
    # A connection for each request: each may meet either worker.
    connector = aiohttp.TCPConnector(force_close=True, limit=TASKS)
    async with aiohttp.ClientSession(connector=connector) as session, lag_noted() as lag:
        end = time.monotonic() + SECONDS

        async def actor(seed: int) -> None:
            one = Actor(session, url, history, seed)
            # On a busy machine it takes longer until there is something to judge.
            while time.monotonic() < end or (
                not worth_judging(history) and time.monotonic() < end + PATIENCE
            ):
                await one.act()

        await asyncio.gather(*(actor(seed) for seed in range(TASKS)))
    history.lag = lag.longest
    return history


@pytest.mark.parametrize("fast_lane", [True, False])
async def test_no_history_of_two_workers_has_anything_in_it_that_must_not_happen(
    tmp_path: Path, valkey: Valkey, prefix: str, upstream: str, fast_lane: bool
) -> None:
    config = standard_config(tmp_path, upstream, store={"url": valkey.url, "prefix": prefix})
    config["server"] |= {"workers": 2, "fast_lane": fast_lane}
    with served(config, tmp_path) as caller:
        assert len(caller.running.children()) >= 2
        history = await play(caller.running.http)
    told = judge(history)
    assert not told, f"{len(told)} of {len(history.uses)}: {told[:5]}"
    # It was worth looking: every kind of thing has happened.
    assert worth_judging(history)


def test_the_judge_knows_a_bad_history() -> None:
    live = Token("t", "shop", dead_after=10.0, dead_before=9.0)
    revoked = Token("t", "shop", 10.0, 9.0, revoking_since=1.0, revoked=2.0)
    uses = [
        Use(live, 1.0, 1.1, 200, "other"),
        Use(live, 10.5, 10.6, 200, "shop"),
        Use(live, 1.0, 1.1, 401, None),
        Use(live, 1.0, 1.1, 503, None),
        Use(revoked, 2.5, 2.6, 200, "shop"),
    ]
    assert len(judge(History([live, revoked], uses))) == len(uses)
    fine = [
        Use(live, 1.0, 1.1, 200, "shop"),
        Use(live, 9.5, 9.6, 401, None),
        Use(revoked, 2.05, 2.1, 200, "shop"),
        Use(revoked, 1.0, 1.2, 401, None),
    ]
    assert judge(History([live, revoked], fine)) == []

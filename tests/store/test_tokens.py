import asyncio
import json
import secrets
import sys
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.model import Client, TokenInfo
from gateway.store import (
    ClientMissing,
    ClientStore,
    RedisConnection,
    Store,
    StorePool,
    TokenDraft,
    TokenStore,
)
from gateway.store.key_names import KeyNames, group_of
from gateway.store.tokens import Note
from tests.bounds import BRIEF
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.stage import linked, until

FACTS = TokenInfo(
    client="demo",
    scopes=("am_application_scope", "default", "orders.read"),
    audience=("https://api.example",),
    subject="demo",
    issued=1_700_000_000,
    expires=1_700_003_600,
    grant="client_credentials",
)
MOST_BYTES = 400


def draft(**change: Any) -> TokenDraft:
    plain = TokenDraft(hash=secrets.token_urlsafe(32), facts=FACTS, lifetime=3600)
    return replace(plain, **change)


def reusable(**change: Any) -> TokenDraft:
    return draft(**{"sealed": secrets.token_bytes(80), "reuse_key": "slot", **change})


@pytest.fixture
def tokens(link: RedisConnection, prefix: str) -> TokenStore:
    return TokenStore(link, KeyNames(prefix), MAC)


class TestIssue:
    async def test_a_new_token_is_known_from_then_on(self, tokens: TokenStore) -> None:
        new = draft()
        issued = await tokens.issue(new)

        assert (issued.remaining, issued.reused, issued.sealed) == (3600, False, None)
        assert await tokens.facts(new.hash) == FACTS

    async def test_its_ttl_in_the_store_is_what_is_reported(
        self, tokens: TokenStore, valkey: Valkey, prefix: str
    ) -> None:
        new = draft(lifetime=90)
        issued = await tokens.issue(new)

        with valkey.client as other:
            assert 0 <= issued.remaining * 1000 - other.pttl(f"{prefix}t:{new.hash}") < 1000

    async def test_the_same_slot_gives_the_live_token_out_again(
        self, tokens: TokenStore, valkey: Valkey, prefix: str
    ) -> None:
        first, second = reusable(sealed=b"\x00 sealed\r\n"), reusable()
        await tokens.issue(first)
        with valkey.client as other:
            other.pexpire(f"{prefix}t:{first.hash}", 1_234_567)
        issued = await tokens.issue(second)

        assert (issued.sealed, issued.reused, issued.remaining) == (b"\x00 sealed\r\n", True, 1234)
        assert await tokens.facts(second.hash) is None

    async def test_another_slot_or_none_gets_a_token_of_its_own(self, tokens: TokenStore) -> None:
        await tokens.issue(reusable())
        others = [reusable(reuse_key="other"), reusable(reuse_key=None), reusable(sealed=None), draft()]

        for new in others:
            assert not (await tokens.issue(new)).reused
            assert await tokens.facts(new.hash) == FACTS

    async def test_a_token_with_little_left_is_followed_by_a_new_one_and_lives_on(
        self, tokens: TokenStore
    ) -> None:
        old, new, newer = reusable(lifetime=60), reusable(renew_before=60), reusable(renew_before=60)
        await tokens.issue(old)
        after, again = await tokens.issue(new), await tokens.issue(newer)

        assert (after.reused, after.sealed, after.remaining) == (False, new.sealed, 3600)
        assert (again.reused, again.sealed) == (True, new.sealed)
        assert await tokens.facts(old.hash) is not None

    async def test_never_tells_of_a_life_of_no_seconds(
        self, tokens: TokenStore, valkey: Valkey, prefix: str
    ) -> None:
        old = reusable()
        await tokens.issue(old)
        with valkey.client as other:
            other.pexpire(f"{prefix}t:{old.hash}", 999)

        assert (await tokens.issue(reusable(lifetime=5))).remaining == 5

    @pytest.mark.parametrize("way", ["one", "all", "lost"])
    async def test_a_revoked_token_is_not_given_out_again(
        self, tokens: TokenStore, valkey: Valkey, prefix: str, way: str
    ) -> None:
        old, new = reusable(), reusable()
        await tokens.issue(old)
        if way == "one":
            await tokens.revoke(old.hash)
        elif way == "all":
            await tokens.revoke_all("demo")
        else:
            with valkey.client as other:
                other.delete(f"{prefix}g:demo")
        issued = await tokens.issue(new)

        assert (issued.reused, issued.sealed) == (False, new.sealed)
        assert await tokens.facts(old.hash) is None
        assert await tokens.facts(new.hash) == FACTS

    async def test_many_workers_at_once_get_one_token(self, valkey: Valkey, prefix: str) -> None:
        workers = [await worker(valkey.url, prefix) for _ in range(2)]
        for process in workers:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        outputs = await asyncio.gather(*(process.communicate() for process in workers))
        issued = [answer for out, _ in outputs for answer in json.loads(out)]

        with valkey.client as other:
            live = other.keys(f"{prefix}t:*")
        assert len(issued) == 200
        assert len({sealed for sealed, _ in issued}) == len(live) == 1
        assert [reused for _, reused in issued].count(False) == 1

    async def test_a_client_removed_meanwhile_gets_none(
        self, tokens: TokenStore, link: RedisConnection, pool: StorePool, prefix: str
    ) -> None:
        clients = ClientStore(link, pool, KeyNames(prefix), MAC)
        new = draft(facts=replace(FACTS, source="store"))
        with pytest.raises(ClientMissing, match="'demo'"):
            await tokens.issue(new)
        assert await tokens.facts(new.hash) is None

        await clients.create(Client("demo"))
        await tokens.issue(new)
        assert await tokens.facts(new.hash) == new.facts

    async def test_a_full_store_issues_nothing(self, own_valkey: Valkey) -> None:
        async with linked(own_valkey.url) as link:
            tokens = TokenStore(link, KeyNames("p:"), MAC)
            await tokens.issue(reusable())
            with own_valkey.client as other:
                other.config_set("maxmemory", 1)
                with pytest.raises(StoreUnavailable, match="memory is full"):
                    await tokens.issue(draft())
                assert len(other.keys("p:t:*")) == 1

    async def test_ten_thousand_tokens_stay_small(
        self, valkey: Valkey, link: RedisConnection, prefix: str
    ) -> None:
        tokens = TokenStore(link, KeyNames(f"{prefix}gatepost:"), MAC)
        count, tiered = 10_000, replace(FACTS, tier="silver")
        with valkey.client as other:
            before = other.info("memory")["used_memory"]
            for _ in range(0, count, 100):
                await asyncio.gather(*(tokens.issue(draft(facts=tiered)) for _ in range(100)))
            grown = other.info("memory")["used_memory"] - before
            other.unlink(*other.keys(f"{prefix}*"))

        assert grown / count <= MOST_BYTES


async def worker(url: str, prefix: str) -> asyncio.subprocess.Process:
    """Another process with a link of its own, which issues a hundred tokens at once when told to."""
    program = """
import asyncio, json, sys
from gateway.store import KeyNames, RedisConnection, TokenStore, parse_address
from tests.record_keys import MAC
from tests.store.test_tokens import reusable

async def main(url, prefix):
    link = RedisConnection(parse_address(url), timeout=5)
    await link.start()
    tokens = TokenStore(link, KeyNames(prefix), MAC)
    print("ready", file=sys.stderr, flush=True)
    sys.stdin.readline()
    issued = await asyncio.gather(*(tokens.issue(reusable()) for _ in range(100)))
    print(json.dumps([[one.sealed.hex(), one.reused] for one in issued]))
    await link.stop()

asyncio.run(main(*sys.argv[1:]))
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", program, url, prefix),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    assert await process.stderr.readline() == b"ready\n", await process.stderr.read()
    return process


class TestFacts:
    @pytest.fixture(autouse=True)
    async def live(self, tokens: TokenStore) -> None:
        await tokens.issue(draft(hash="live"))
        assert await tokens.facts("live") == FACTS

    async def test_an_unknown_token_has_none(self, tokens: TokenStore) -> None:
        assert await tokens.facts("unknown") is None

    async def test_a_token_is_dead_when_its_time_is_over(self, tokens: TokenStore) -> None:
        await tokens.issue(draft(hash="short", lifetime=1))

        await until(lambda: gone(tokens, "short"), within=3)

    async def test_a_revoked_token_has_none(self, tokens: TokenStore) -> None:
        await tokens.revoke("live")
        await tokens.revoke("unknown")

        assert await tokens.facts("live") is None

    async def test_revoking_all_ends_every_token_of_that_client_and_no_other(
        self, tokens: TokenStore
    ) -> None:
        await tokens.issue(draft(hash="another's", facts=replace(FACTS, client="other")))
        await tokens.revoke_all("demo")
        await tokens.issue(draft(hash="later"))

        assert await tokens.facts("live") is None
        assert await tokens.facts("another's") is not None
        assert await tokens.facts("later") == FACTS

    async def test_a_lost_generation_revives_nothing(
        self, tokens: TokenStore, valkey: Valkey, prefix: str
    ) -> None:
        await tokens.revoke_all("demo")
        with valkey.client as other:
            other.delete(f"{prefix}g:demo")
        assert await tokens.facts("live") is None
        await tokens.issue(draft())
        assert await tokens.facts("live") is None

    @pytest.mark.parametrize("client", ["ein Würfel", "a b", "x:y", "日本", '"quoted\\"', "%s"])
    async def test_any_client_id_will_do(self, tokens: TokenStore, client: str) -> None:
        facts = replace(FACTS, client=client, subject=client)
        await tokens.issue(draft(hash="theirs", facts=facts))
        assert await tokens.facts("theirs") == facts
        await tokens.revoke_all(client)
        assert await tokens.facts("theirs") is None

    @pytest.mark.parametrize(
        "record",
        [
            b"",
            b" ",
            b"nonsense",
            b"%s",
            b"%s ",
            b"%s null",
            b"%s []",
            b"%s 1",
            b'%s "demo"',
            b"%s {}",
            b'%s {"client":"demo"}',
            b'%s {"client":"demo","iat":1}',
            b'%s {"client":["demo"],"iat":1,"exp":2}',
            b'%s {"client":"demo","iat":1,"exp":2',
            b'{"client":"demo","iat":1,"exp":2}',
            b'wrong {"client":"demo","iat":1,"exp":2}',
            b'%s {"client":"other","iat":1,"exp":2}',
            b"%s " + b"[" * 50_000,
        ],
    )
    async def test_a_malformed_record_is_no_token(
        self, tokens: TokenStore, valkey: Valkey, prefix: str, record: bytes
    ) -> None:
        with valkey.client as other:
            generation = other.get(f"{prefix}g:demo")
            other.set(f"{prefix}t:live", record.replace(b"%s", generation), keepttl=True)

        assert await tokens.facts("live") is None

    @pytest.mark.parametrize("key", ["t:live", "g:demo"])
    async def test_a_key_of_another_type_is_no_token(
        self, tokens: TokenStore, valkey: Valkey, prefix: str, key: str
    ) -> None:
        with valkey.client as other:
            other.delete(f"{prefix}{key}")
            other.lpush(f"{prefix}{key}", "x")

        assert await tokens.facts("live") is None

    async def test_the_store_never_sees_facts_in_a_key(self, valkey: Valkey, prefix: str) -> None:
        with valkey.client as other:
            assert sorted(other.keys(f"{prefix}*")) == [
                f"{prefix}{key}".encode() for key in ("g:demo", "t:live")
            ]
            assert other.ttl(f"{prefix}g:demo") == -1


async def gone(tokens: TokenStore, name: str) -> bool:
    return await tokens.facts(name) is None


class Invalidations:
    """What the server says of keys that were read."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, TokenInfo, float]] = []
        self.keys: set[str] = set()

    def note(self, name: str, facts: TokenInfo, seconds: float) -> None:
        self.noted.append((name, facts, seconds))

    def on_tracking_on(self) -> None: ...

    def on_tracking_off(self) -> None: ...

    def on_invalidate(self, message: list[Any]) -> None:
        kind, keys = message
        assert kind == b"invalidate"
        self.keys.update(key.decode() for key in keys)


class Told:
    """Takes the answer to a question, as no future does."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[TokenInfo | None] = asyncio.get_running_loop().create_future()

    def done(self) -> bool:
        return False

    def set_result(self, facts: TokenInfo | None) -> None:
        self.answer.set_result(facts)

    def set_exception(self, error: BaseException) -> None:
        self.answer.set_exception(error)


async def told(tokens: TokenStore, name: str, note: Note) -> TokenInfo | None:
    """What who awaits no future is told of a token."""
    reply = Told()
    tokens.ask(name, note, reply)
    return await reply.answer


@pytest.mark.parametrize(
    ("changes", "lives"),
    [
        ("nothing", True),
        ("the server forgets its scripts", True),
        ("revoked", False),
        ("all", False),
        ("lost", False),
        ("closed", False),
        ("forged", False),
        ("malformed", False),
    ],
)
async def test_who_awaits_no_future_is_told_the_same_of_a_token(
    own_valkey: Valkey, changes: str, lives: bool
) -> None:
    heard = Invalidations()
    async with linked(own_valkey.url) as link:
        tokens = TokenStore(link, KeyNames("50%s:"), MAC)
        await tokens.issue(draft(hash="live"))
        assert await told(tokens, "live", heard.note) == FACTS
        assert [(name, facts) for name, facts, _ in heard.noted] == [("live", FACTS)]
        heard.noted.clear()
        with own_valkey.client as other:
            record = other.get("50%s:t:live")
            if changes == "the server forgets its scripts":
                other.script_flush()
            elif changes == "revoked":
                await tokens.revoke("live")
            elif changes == "all":
                await tokens.revoke_all("demo")
            elif changes == "lost":
                other.delete("50%s:g:demo")
            elif changes == "closed":
                other.set("50%s:g:demo", "!" + other.get("50%s:g:demo").decode())
            elif changes == "forged":
                other.set("50%s:t:live", record.replace(b"default", b"admin.x"), keepttl=True)
            elif changes == "malformed":
                other.set("50%s:t:live", b"x", keepttl=True)
        known = await tokens.facts("live")
        assert await told(tokens, "live", heard.note) == known == (FACTS if lives else None)
        assert len(heard.noted) == lives


async def test_who_awaits_no_future_is_told_the_same_with_the_keys_of_a_cluster(own_valkey: Valkey) -> None:
    heard, name = Invalidations(), group_of(FACTS.client) + "live"
    async with linked(own_valkey.url, timeout=BRIEF) as link:
        tokens = TokenStore(link, KeyNames("p:", cluster=True), MAC)
        await tokens.issue(draft(hash=name))
        assert await told(tokens, name, heard.note) == FACTS
        assert [noted for noted, _, _ in heard.noted] == [name]
        await tokens.revoke(name)
        assert await told(tokens, name, heard.note) is None
        own_valkey.freeze()
        with pytest.raises(StoreUnavailable, match="no answer"):
            await told(tokens, name, heard.note)
        own_valkey.thaw()
    assert len(heard.noted) == 1


async def test_who_awaits_no_future_hears_of_a_store_that_is_away(own_valkey: Valkey) -> None:
    heard = Invalidations()
    async with linked(own_valkey.url, timeout=BRIEF) as link:
        tokens = TokenStore(link, KeyNames("p:"), MAC)
        await tokens.issue(draft(hash="live"))
        own_valkey.freeze()
        with pytest.raises(StoreUnavailable, match="no answer"):
            await told(tokens, "live", heard.note)
        own_valkey.thaw()
        own_valkey.kill()
        await until(lambda: not link.connected)
        with pytest.raises(StoreUnavailable):
            tokens.ask("live", heard.note, Told())
    assert heard.noted == []


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("t:live", "revoked"),
        ("t:live", "changed"),
        ("t:live", "expired"),
        ("g:demo", "all"),
        ("g:demo", "lost"),
    ],
)
async def test_the_server_says_when_facts_that_were_read_hold_no_longer(
    valkey: Valkey, link: RedisConnection, prefix: str, key: str, what: str
) -> None:
    heard = Invalidations()
    elsewhere = TokenStore(link, KeyNames(prefix), MAC)
    async with linked(valkey.url, tracking=True, listener=heard) as tracking:
        await elsewhere.issue(draft(hash="live", lifetime=3 if what == "expired" else 60))
        assert await TokenStore(tracking, KeyNames(prefix), MAC).facts("live", heard.note) == FACTS
        await tracking.ping()
        assert heard.keys == set()

        with valkey.client as other:
            if what == "revoked":
                await elsewhere.revoke("live")
            elif what == "all":
                await elsewhere.revoke_all("demo")
            elif what == "changed":
                other.set(f"{prefix}t:live", "x")
            elif what == "lost":
                other.delete(f"{prefix}g:demo")

            # Who has many keys comes across one that has expired late, if nobody asks for it.
            await until(lambda: f"{prefix}{key}" in heard.keys or bool(other.exists("%")), within=10)


async def test_a_cache_is_told_how_long_a_token_lives_by_the_stores_clock(
    valkey: Valkey, link: RedisConnection, prefix: str
) -> None:
    tokens, heard = TokenStore(link, KeyNames(prefix), MAC), Invalidations()
    await tokens.issue(draft(hash="live"))
    with valkey.client as other:
        other.pexpire(f"{prefix}t:live", 50_000)
    await tokens.facts("live", heard.note)
    await tokens.facts("unknown", heard.note)

    ((name, facts, seconds),) = heard.noted
    assert (name, facts) == ("live", FACTS)
    assert 40 < seconds <= 50


@pytest.mark.parametrize("between", ["revoked", "all"])
async def test_what_changes_while_it_is_read_is_heard_of_after_it_was_noted(
    valkey: Valkey, prefix: str, between: str
) -> None:
    class Cache(Invalidations):
        """Holds what it was told, without what it was told of after."""

        def on_invalidate(self, message: list[Any]) -> None:
            super().on_invalidate(message)
            self.noted.clear()

    cache = Cache()
    async with linked(valkey.url, tracking=True, listener=cache) as link:
        tokens = TokenStore(link, KeyNames(prefix), MAC)
        for _ in range(20):
            await tokens.issue(draft(hash="live"))
            change = tokens.revoke("live") if between == "revoked" else tokens.revoke_all("demo")
            # All three leave in one write, and the server answers in one go.
            await asyncio.gather(tokens.facts("live", cache.note), change, link.ping())
            await link.ping()
            assert cache.noted == []


async def test_a_token_without_an_end_is_none(valkey: Valkey, link: RedisConnection, prefix: str) -> None:
    tokens = TokenStore(link, KeyNames(prefix), MAC)
    await tokens.issue(draft(hash="live"))
    with valkey.client as other:
        other.persist(f"{prefix}t:live")

    assert await tokens.facts("live") is None


async def test_a_store_that_hangs_revokes_nothing_in_silence(own_valkey: Valkey) -> None:
    async with linked(own_valkey.url, timeout=BRIEF) as link:
        tokens = TokenStore(link, KeyNames("p:"), MAC)
        own_valkey.freeze()
        with pytest.raises(StoreUnavailable):
            await tokens.revoke("live")
        with pytest.raises(StoreUnavailable):
            await tokens.revoke_all("demo")
        with pytest.raises(StoreUnavailable):
            await tokens.facts("live")
        own_valkey.thaw()


async def test_a_full_server_still_revokes_all_tokens_of_a_client(own_valkey: Valkey, prefix: str) -> None:
    store = Store(own_valkey.url, prefix, mac=MAC)
    await store.start()
    await store.tokens.issue(draft())
    with own_valkey.client as other:
        other.config_set("maxmemory", 1)
        await store.tokens.revoke_all("demo")
        assert await store.tokens.facts("live") is None
        other.config_set("maxmemory", 0)
    await store.tokens.issue(draft(hash="later"))
    assert await store.tokens.facts("live") is None
    assert await store.tokens.facts("later") is not None
    await store.stop()

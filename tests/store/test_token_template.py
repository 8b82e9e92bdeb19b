"""Tokens that are stored by a template are those that `TokenStore.issue` stores."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hiredis
import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.model import TokenInfo
from gateway.runtime.prompt_reply import PromptReply
from gateway.store import ClientMissing, RedisConnection, TokenDraft, TokenStore, TokenTemplate
from gateway.store.address import parse_address
from gateway.store.key_names import KeyNames
from gateway.store.record_mac import RecordMac
from gateway.store.token_record import RecordTemplate, read_token_info, write_token_info
from tests.record_keys import MAC
from tests.store.test_tokens import FACTS

FULL = replace(
    FACTS,
    client='ä "100%s"',
    subject=',"iat":-1,"exp":-1',
    source="store",
    user="u",
    user_id="i",
    user_generation="g",
    extra={"claims": '{"a":"\\ud83d\\ude00"}'},
    cnf={"jkt": "k"},
    tier="gold",
)
"""All that a record may hold, and what could be taken for something else."""


NOWHERE = parse_address("redis://127.0.0.1:1")
"""It is never connected to."""


async def stored(template: TokenTemplate, name: str, read: Callable[[float | None], None]) -> None:
    """Waits until it is over."""
    reply: PromptReply[None] = PromptReply(asyncio.get_running_loop())
    template.store(name, 1_700_000_000, 90, read, reply)
    await reply


NOBODY: Any = None


class NoServer(RedisConnection):
    """Notes what is sent."""

    def __init__(self) -> None:
        super().__init__(NOWHERE)
        self.sent: list[bytes] = []
        self.answer: Any = None

    def _send(self, name: str, args: Any, decode: Any, source: Any = None) -> Any:
        self.sent.append(hiredis.pack_command(args))

    def run(self, script: object, args: Any, packed: bytes, decode: Any, recipient: object) -> None:
        assert packed == hiredis.pack_command(tuple(args))
        self.sent.append(packed)
        decode(self.answer)


@pytest.mark.parametrize("facts", [FACTS, FULL, replace(FACTS, audience=(), scopes=())])
@pytest.mark.parametrize("credentials", [(), ("0a", "0b")])
async def test_a_template_sends_what_issuing_a_draft_sends(
    facts: TokenInfo, credentials: tuple[str, ...]
) -> None:
    link = NoServer()
    tokens = TokenStore(link, KeyNames("p%d:"), MAC)
    tokens.issue(TokenDraft("hash", facts, facts.expires - facts.issued, credentials=credentials))
    template = tokens.template(facts.at(0, 1), credentials)
    assert template is not None
    told: list[float | None] = []
    link.answer = [3_600_000]
    template.store("hash", facts.issued, facts.expires - facts.issued, told.append, NOBODY)
    link.answer = None
    template.store("hash", facts.issued, facts.expires - facts.issued, told.append, NOBODY)
    assert link.sent == [link.sent[0]] * 3
    assert told == [3600.0, None]


@pytest.mark.parametrize("facts", [FACTS, FULL])
def test_a_record_template_gives_the_record_of_a_token_with_these_times(facts: TokenInfo) -> None:
    record = RecordTemplate(facts).at(5, 65)
    assert record.decode() == write_token_info(facts.at(5, 65))
    assert read_token_info(record) == facts.at(5, 65)


async def test_a_token_that_was_stored_by_a_template_is_known(link: RedisConnection, prefix: str) -> None:
    tokens = TokenStore(link, KeyNames(prefix), MAC)
    template = tokens.template(FACTS, ())
    assert template is not None
    told: list[float | None] = []
    for name in ("one", "two"):
        await stored(template, name, told.append)
        assert await tokens.facts(name) == FACTS.at(1_700_000_000, 1_700_000_090)
    assert told == [90.0, 90.0]


async def test_nothing_is_stored_for_a_client_that_is_not_registered(
    link: RedisConnection, prefix: str
) -> None:
    tokens = TokenStore(link, KeyNames(prefix), MAC)
    template = tokens.template(replace(FACTS, source="store"), ())
    assert template is not None
    told: list[float | None] = []
    await stored(template, "one", told.append)
    assert told == [None]
    assert await tokens.facts("one") is None
    with pytest.raises(ClientMissing):
        await tokens.issue(TokenDraft("one", replace(FACTS, source="store"), 90))


async def test_what_reads_the_answer_may_refuse_it(link: RedisConnection, prefix: str) -> None:
    template = TokenStore(link, KeyNames(prefix), MAC).template(FACTS, ())
    assert template is not None

    def refuse(left: float | None) -> None:
        raise ValueError(str(left))

    with pytest.raises(ValueError, match="90"):
        await stored(template, "one", refuse)


async def test_nothing_is_stored_while_the_master_key_is_another_one(
    link: RedisConnection, prefix: str
) -> None:
    mac = RecordMac([b"k" * 32])
    template = TokenStore(link, KeyNames(prefix), mac).template(FACTS, ())
    assert template is not None
    mac.problem = "another master key"
    with pytest.raises(StoreUnavailable):
        await stored(template, "one", lambda _: None)


async def test_without_a_connection_nothing_is_stored() -> None:
    link = RedisConnection(NOWHERE)
    template = TokenStore(link, KeyNames("p:"), MAC).template(FACTS, ())
    assert template is not None
    with pytest.raises(StoreUnavailable):
        await stored(template, "one", lambda _: None)


def test_a_cluster_takes_no_templates() -> None:
    link = RedisConnection(NOWHERE)
    assert TokenStore(link, KeyNames("p:", cluster=True), MAC).template(FACTS, ()) is None

"""Tokens: issued, read, reused and revoked, each in one round trip, and atomic across all workers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from gateway.errors import StoreUnavailable
from gateway.oauth.model import TokenInfo
from gateway.runtime.lazy_reply import Recipient
from gateway.store.errors import ClientMissing
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.redis_connection import RedisConnection
from gateway.store.resp_connection import Argument, Decode
from gateway.store.token_record import read_token_info, write_token_info
from gateway.store.token_scripts import FACTS, ISSUE, ISSUE_REUSABLE, NEXT_GENERATION
from gateway.store.token_template import TokenTemplate

Note = Callable[[str, TokenInfo, float], None]
"""Is told of a token's hash, its facts, and the seconds that it still lives."""

PERSON_TRIES = 5
"""How often a token is read anew because its user's generation was changed meanwhile, or is not known yet."""
_WITHOUT_PERSON = 3
"""Parts of the answer about a token that is for no person: its record, its life, its client's generation."""
GENERATION_BYTES = 6
"""Enough that a client's next generation is never one that it had before."""


def _hand_on(recipient: Recipient, asked: asyncio.Future[TokenInfo | None]) -> None:
    """Tells what came of a question."""
    error = StoreUnavailable("the gateway is stopping") if asked.cancelled() else asked.exception()
    if error is None:
        recipient.set_result(asked.result())
    else:
        recipient.set_exception(error)


def new_generation() -> str:
    """The next generation of a client's tokens."""
    return secrets.token_urlsafe(GENERATION_BYTES)


def first_word(value: bytes) -> str:
    """The generation in what the key of a person's generation holds: it is followed by the name."""
    return value.partition(b" ")[0].decode("ascii", "replace")


def closed_generation() -> str:
    """A generation in which no token is issued."""
    return "!" + new_generation()


def shortest_reusable(renew_before: int) -> float:
    """Seconds: a token that has no more than these left is not given out again.

    Less than a second left could only be told as 0 seconds.
    """
    return max(renew_before, 0.999)


@dataclass(slots=True)
class TokenDraft:
    """A token about to be issued."""

    hash: str
    """The token's hash, without spaces: the key it is kept under."""
    facts: TokenInfo
    lifetime: int
    """Seconds, 1 or more."""
    sealed: bytes | None = None
    """The token, encrypted under a key that is not in the store; needed for reuse."""
    reuse_key: str | None = None
    """Same slot, same token while it is live; None: a token of its own."""
    renew_before: int = 0
    """Seconds: a token with no more than these left is not given out again."""
    credentials: tuple[str, ...] = ()
    """Digests of what the client could prove itself with when it was authenticated; empty: not compared."""


@dataclass(slots=True)
class Issued:
    """A token that lives in the store."""

    name: str
    """Its hash: the draft's, or the earlier token's where that is reused. So is `sealed`."""
    sealed: bytes | None
    left: float
    """Seconds that it lives on, as the store's TTL has it."""
    reused: bool

    @property
    def remaining(self) -> int:
        """The whole seconds that it lives on, never more than the store's TTL."""
        return int(self.left)


Keep = Callable[[Issued, Sequence[str]], None]
"""Is told of a token that is given out again, and of the keys whose change may end that."""


class TokenStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(
        self, link: StoreLink, names: KeyNames, mac: RecordMac, ending: Commands | None = None
    ) -> None:
        """`ending` revokes; None: `link` does."""
        self._ending: Commands = link if ending is None else ending
        self._link = link
        # In a cluster a command may be sent again elsewhere, for which it needs a future.
        self._server = link if isinstance(link, RedisConnection) and not names.cluster else None
        self._before_name = names.all_tokens
        self._read_facts = FACTS.prepared(names.client_generations(""), names.user_generations)
        self.names = names
        self._mac = mac

    def template(self, facts: TokenInfo, credentials: Sequence[str]) -> TokenTemplate | None:
        """Stores tokens of their own that have such facts, whatever their times, with less work than `issue`.

        `credentials`: as in a draft. None: `issue` must store them.
        """
        if self._server is None:
            return None
        return TokenTemplate(self._server, self.names, self._mac, facts, credentials)

    def issue(self, draft: TokenDraft, keep: Keep | None = None) -> asyncio.Future[Issued]:
        """Stores the draft, or finds the live token of its slot.

        `keep` is for a memory. It is told at the answer's place in the order of answers and invalidations;
        the link's listener hears when what it was told holds no longer.

        Raises ClientMissing where the client was registered in the store and is no longer, or has none of
        the draft's credentials any more.
        """
        names, client, registered = self.names, draft.facts.client, draft.facts.source == "store"
        group, generation = names.group(client), names.client_generation(client)
        keys: tuple[str, ...] = (
            names.token(draft.hash),
            generation,
            names.clients(group) if registered else names.file_clients_in(group),
        )
        args: tuple[Argument, ...] = (
            self._mac.sign(keys[0], write_token_info(draft.facts)),
            draft.lifetime * 1000,
            client,
            "1" if registered else "",
            " ".join(draft.credentials),
        )
        script, slot = ISSUE, ""
        if draft.reuse_key is not None and draft.sealed:
            script, slot = ISSUE_REUSABLE, names.reusable_token(client, draft.reuse_key)
            least = round(shortest_reusable(draft.renew_before) * 1000)
            keys, args = (*keys, slot), (*args, draft.sealed, least, names.tokens(group))

        def read(answer: list[Any] | None) -> Issued:
            if answer is None:
                raise ClientMissing(f"there is no client {client!r} any more")
            if len(answer) == 1:
                return Issued(draft.hash, draft.sealed, int(answer[0]) / 1000, reused=False)
            left, kept, value = answer
            name, _, earlier = kept.partition(b" ")
            issued = Issued(name.decode(), earlier, left / 1000, reused=True)
            if keep is not None:
                token = names.token(issued.name)
                # A client that is removed loses its generation in the same step.
                keep(issued, (token, generation, slot))
                self._link.watch(token, value)
            return issued

        return self._link.script(script, keys, args, read)

    def facts(
        self,
        hash: str,  # noqa: A002 (the field's own word)
        note: Note | None = None,
    ) -> asyncio.Future[TokenInfo | None]:
        """What is known of a live token; None for one that is unknown, dead, revoked, malformed or not ours.

        `note` is for a cache. It is told of the facts at their place in the order of answers and
        invalidations; the link's listener hears when they hold no longer.
        """
        if self.names.cluster:
            return asyncio.ensure_future(self._facts_beside_person(hash, note))
        key = self.names.token(hash)
        return self._ask(hash, self.names.user_generations, partial(self._read, hash, key, note))

    def ask(self, hash: str, note: Note, recipient: Recipient) -> None:  # noqa: A002 (as above)
        """The same for who awaits no future: `recipient` gets the facts."""
        if self._server is None:
            self.facts(hash, note).add_done_callback(partial(_hand_on, recipient))
        else:
            key, read = self._before_name + hash, self._read_facts
            words, packed = read.words(key), read.render(key.encode())
            self._server.run(FACTS, words, packed, partial(self._read, hash, key, note), recipient)

    def _read(
        self,
        hash: str,  # noqa: A002
        key: str,
        note: Note | None,
        answer: list[Any] | None,
    ) -> TokenInfo | None:
        if answer is None:
            return None
        record = self._mac.verify(key, answer[0])
        facts = None if record is None else read_token_info(record)
        if facts is not None and note is not None:
            self._note(hash, facts, answer, note)
            if len(answer) > _WITHOUT_PERSON:
                self._link.watch(self._person(facts), answer[_WITHOUT_PERSON])
        return facts

    async def _facts_beside_person(self, hash: str, note: Note | None) -> TokenInfo | None:  # noqa: A002
        """The same in a cluster, where a token's person has another slot: the generation of a person is known
        by itself, and read where it is not.
        """
        generation: bytes | None = None

        def read(answer: list[Any] | None) -> tuple[TokenInfo | None, bool]:
            """The facts, and whether that is all there is to know."""
            facts = self._verified(hash, answer)
            if facts is None or answer is None:
                return None, True
            if facts.user_id is not None:
                known = self._link.watched(self._person(facts)) if self._link.tracks else generation
                if known is None:
                    return facts, False
                if first_word(known) != facts.user_generation:
                    return None, True
            if note is not None:
                self._note(hash, facts, answer, note)
            return facts, True

        for _ in range(PERSON_TRIES):
            facts, complete = await self._ask(hash, "", read)
            if complete or facts is None:
                return cast("TokenInfo | None", facts)
            generation = await self._link.read_watched(self._person(facts))
            if generation is None:
                return None
        raise StoreUnavailable("the generation of the token's user keeps changing")

    def _ask(
        self,
        hash: str,  # noqa: A002
        user_generations: str,
        read: Decode,
    ) -> asyncio.Future[Any]:
        generations = self.names.client_generations(self.names.group_of_token(hash))
        return self._link.script(FACTS, (self.names.token(hash),), (generations, user_generations), read)

    def _verified(self, hash: str, answer: list[Any] | None) -> TokenInfo | None:  # noqa: A002
        record = None if answer is None else self._mac.verify(self.names.token(hash), answer[0])
        return None if record is None else read_token_info(record)

    def _note(self, hash: str, facts: TokenInfo, answer: list[Any], note: Note) -> None:  # noqa: A002
        note(hash, facts, answer[1] / 1000)
        self._link.watch(self.names.client_generation(facts.client), answer[2])

    def _person(self, facts: TokenInfo) -> str:
        return self.names.user_generations + str(facts.user_id)

    async def revoke(self, hash: str) -> None:  # noqa: A002 (as above)
        """Ends one token. Returns only when the store has done it; a token that is unknown is ended too."""
        await self._ending.execute("DEL", self.names.token(hash))

    async def revoke_all(self, client_id: str) -> None:
        """Ends every token of a client, however many: they belong to a generation that is over."""
        args = (self.names.client_generation(client_id), new_generation())
        await self._ending.script(NEXT_GENERATION, args[:1], args[1:])

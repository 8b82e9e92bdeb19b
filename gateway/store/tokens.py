"""Tokens: issued, read, reused and revoked, each in one round trip, and atomic across all workers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.oauth.values import TokenFacts
from gateway.store.errors import ClientMissing
from gateway.store.link import Link
from gateway.store.token_record import read_facts, write_facts
from gateway.store.token_scripts import FACTS, ISSUE, NEXT_GENERATION

Note = Callable[[str, TokenFacts, float], None]
"""Is told of a token's hash, its facts, and the seconds that it still lives."""

GENERATION_BYTES = 6
"""Enough that a client's next generation is never one that it had before."""


def new_generation() -> str:
    """The next generation of a client's tokens."""
    return secrets.token_urlsafe(GENERATION_BYTES)


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
    facts: TokenFacts
    lifetime: int
    """Seconds, 1 or more."""
    sealed: bytes | None = None
    """The token, encrypted under a key that is not in the store; needed for reuse."""
    reuse_slot: str | None = None
    """Same slot, same token while it is live; None: a token of its own."""
    renew_before: int = 0
    """Seconds: a token with no more than these left is not given out again."""


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
    """The tokens under `prefix`. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._prefix = prefix

    async def issue(self, draft: TokenDraft, keep: Keep | None = None) -> Issued:
        """Stores the draft, or finds the live token of its slot.

        `keep` is for a memory. It is told at the answer's place in the order of answers and invalidations;
        the link's listener hears when what it was told holds no longer.

        Raises ClientMissing where the client was registered in the store and is no longer.
        """
        prefix, client = self._prefix, draft.facts.client
        sealed = draft.sealed if draft.reuse_slot is not None and draft.sealed else b""
        generation, slot = f"{prefix}g:{client}", f"{prefix}s:{draft.reuse_slot or ''}"
        keys = (f"{prefix}t:{draft.hash}", generation, slot, f"{prefix}clients")
        args = (
            write_facts(draft.facts),
            draft.lifetime * 1000,
            new_generation(),
            draft.hash,
            sealed,
            round(shortest_reusable(draft.renew_before) * 1000),
            f"{prefix}t:",
            client if draft.facts.source == "store" else "",
        )

        def read(answer: list[Any] | None) -> Issued:
            if answer is None:
                raise ClientMissing(f"there is no client {client!r} any more")
            if len(answer) == 1:
                return Issued(draft.hash, draft.sealed, int(answer[0]) / 1000, reused=False)
            left, kept, value = answer
            name, _, earlier = kept.partition(b" ")
            issued = Issued(name.decode(), earlier, left / 1000, reused=True)
            if keep is not None:
                token = f"{prefix}t:{issued.name}"
                # A client that is removed loses its generation in the same step.
                keep(issued, (token, generation, slot))
                self._link.watch(token, value)
            return issued

        return await self._link.script(ISSUE, keys, args, read)  # type: ignore[no-any-return]  # read's

    def facts(
        self,
        hash: str,  # noqa: A002 (the field's own word)
        note: Note | None = None,
    ) -> asyncio.Future[TokenFacts | None]:
        """What is known of a live token; None for one that is unknown, dead, revoked or malformed.

        `note` is for a cache. It is told of the facts at their place in the order of answers and
        invalidations; the link's listener hears when they hold no longer.
        """

        def read(answer: list[Any] | None) -> TokenFacts | None:
            if answer is None:
                return None
            record, left, generation = answer
            facts = read_facts(record)
            if facts is not None and note is not None:
                note(hash, facts, left / 1000)
                self._link.watch(f"{self._prefix}g:{facts.client}", generation)
            return facts

        return self._link.script(FACTS, (f"{self._prefix}t:{hash}",), (f"{self._prefix}g:",), read)

    async def revoke(self, hash: str) -> None:  # noqa: A002 (as above)
        """Ends one token. Returns only when the store has done it; a token that is unknown is ended too."""
        await self._link.execute("DEL", f"{self._prefix}t:{hash}")

    async def revoke_all(self, client_id: str) -> None:
        """Ends every token of a client, however many: they belong to a generation that is over."""
        args = (f"{self._prefix}g:{client_id}", new_generation())
        await self._link.script(NEXT_GENERATION, args[:1], args[1:])

"""Families of refresh tokens: `<prefix>r:<family>`, a hash whose TTL is the newest token's life.

Its fields: the client's generation; `current`, the newest token's hash; the record of facts; and `access`,
the names of the access tokens that were issued with the family, which end with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.oauth.values import TokenFacts
from gateway.store.errors import ClientMissing
from gateway.store.link import Link
from gateway.store.refresh_scripts import BEGIN, END, FIND, ROTATE
from gateway.store.token_record import read_facts, write_facts

MOST_ACCESS = 20
"""Live access tokens of a family; with one more, the oldest ends."""


@dataclass(slots=True, frozen=True)
class RefreshDraft:
    """A refresh token about to be issued."""

    family: str
    hash: str
    facts: TokenFacts
    """What it stands for; `expires` is its own end."""
    lifetime: int
    """Seconds."""
    access: str
    """The name of the access token that is issued with it."""


@dataclass(slots=True, frozen=True)
class Family:
    """A family of refresh tokens."""

    current: str
    """The hash of its newest token, the only one that is good."""
    facts: TokenFacts


class RefreshTokenStore:
    """The families under `prefix`. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._prefix = prefix

    async def begin(self, draft: RefreshDraft) -> None:
        """Keeps a new family. Raises ClientMissing where its client has gone or lost its tokens meanwhile."""
        keys = (self._key(draft.family), f"{self._prefix}g:{draft.facts.client}")
        args = (draft.hash, write_facts(draft.facts), draft.lifetime * 1000, draft.access)
        if not await self._link.script(BEGIN, keys, args):
            raise ClientMissing(f"there is no client {draft.facts.client!r} any more")

    async def find(self, family: str) -> Family | None:
        """What is known of a family; None where it is unknown, over, or its client's tokens have ended."""
        answer = await self._link.script(FIND, (self._key(family),), (f"{self._prefix}g:",))
        facts = None if answer is None else read_facts(answer[1])
        return None if facts is None else Family(answer[0].decode(), facts)

    async def rotate(self, before: str, draft: RefreshDraft) -> bool:
        """Puts a token in place of the one whose hash is `before`.

        Where that is not the newest, False: and the family is over, with every access token of it.
        """
        args = (
            before,
            draft.hash,
            write_facts(draft.facts),
            draft.lifetime * 1000,
            draft.access,
            f"{self._prefix}t:",
            MOST_ACCESS,
        )
        return bool(await self._link.script(ROTATE, (self._key(draft.family),), args))

    async def end(self, family: str) -> list[str]:
        """Ends a family and its access tokens; the names of these."""
        names = await self._link.script(END, (self._key(family),), (f"{self._prefix}t:",))
        return [name.decode() for name in names]

    def _key(self, family: str) -> str:
        return f"{self._prefix}r:{family}"

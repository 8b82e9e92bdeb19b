"""Families of refresh tokens: `<prefix>r:<family>`, a hash whose TTL is the newest token's life.

Its fields: the client's generation; `current`, the newest token's hash; the record of facts; and `access`,
the names of the access tokens that were issued with the family, which end with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.oauth.model import TokenInfo
from gateway.store.errors import ClientMissing
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.refresh_scripts import BEGIN, END, FIND, ROTATE
from gateway.store.token_record import read_token_info, write_token_info
from gateway.store.tokens import first_word

MOST_ACCESS = 20
"""Live access tokens of a family; with one more, the oldest ends."""


@dataclass(slots=True, frozen=True)
class RefreshDraft:
    """A refresh token about to be issued."""

    family: str
    hash: str
    facts: TokenInfo
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
    facts: TokenInfo


class RefreshTokenStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(
        self, link: StoreLink, names: KeyNames, mac: RecordMac, ending: Commands | None = None
    ) -> None:
        """`ending` revokes; None: `link` does."""
        self._ending: Commands = link if ending is None else ending
        self._link = link
        self._names = names
        self._mac = mac

    async def begin(self, draft: RefreshDraft) -> None:
        """Keeps a new family. Raises ClientMissing where its client has gone or lost its tokens meanwhile."""
        keys = (
            self._key(draft.family),
            self._names.client_generation(draft.facts.client),
            self._names.token(draft.access),
        )
        args = (draft.hash, self._signed(draft), draft.lifetime * 1000, draft.access)
        if not await self._link.script(BEGIN, keys, args):
            raise ClientMissing(f"there is no client {draft.facts.client!r} any more")

    async def find(self, family: str) -> Family | None:
        """What is known of a family; None where it is unknown, over, or its client's or user's tokens have
        ended.
        """
        generations = self._names.client_generations(self._names.group_of_token(family))
        people = self._names.user_generations
        args = (generations, "" if self._names.cluster else people)
        answer = await self._link.script(FIND, (self._key(family),), args)
        if answer is None:
            return None
        current = answer[0].decode("ascii", "replace")
        record = self._mac.verify(self._record_name(family, current), answer[1])
        facts = None if record is None else read_token_info(record)
        if facts is not None and facts.user_id is not None and self._names.cluster:
            value = await self._link.execute("GET", people + facts.user_id)
            if value is None or first_word(value) != facts.user_generation:
                return None
        return None if facts is None else Family(current, facts)

    async def rotate(self, before: str, draft: RefreshDraft) -> bool:
        """Puts a token in place of the one whose hash is `before`.

        Where that is not the newest, False: and the family is over, with every access token of it.
        """
        args = (
            before,
            draft.hash,
            self._signed(draft),
            draft.lifetime * 1000,
            draft.access,
            self._names.tokens(self._names.group_of_token(draft.family)),
            MOST_ACCESS,
        )
        return bool(await self._link.script(ROTATE, (self._key(draft.family),), args))

    async def end(self, family: str) -> list[str]:
        """Ends a family and its access tokens; the names of these."""
        names = await self._ending.script(
            END, (self._key(family),), (self._names.tokens(self._names.group_of_token(family)),)
        )
        return [name.decode() for name in names]

    def _signed(self, draft: RefreshDraft) -> str:
        return self._mac.sign(self._record_name(draft.family, draft.hash), write_token_info(draft.facts))

    def _record_name(self, family: str, current: str) -> str:
        """What the record is signed for: a family, and which of its tokens is the newest."""
        return f"{self._key(family)} {current}"

    def _key(self, family: str) -> str:
        return self._names.refresh_family(family)

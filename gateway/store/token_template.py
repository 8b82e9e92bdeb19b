"""Storing tokens that differ in little: what they have in common is written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.oauth.model import TokenInfo
from gateway.runtime.lazy_reply import Recipient
from gateway.store.key_names import KeyNames
from gateway.store.record_mac import RecordMac
from gateway.store.redis_connection import RedisConnection
from gateway.store.resp_connection import Argument
from gateway.store.script import bulks
from gateway.store.token_record import RecordTemplate
from gateway.store.token_scripts import ISSUE

_HEAD = ("EVALSHA", ISSUE.digest, "3")
_WORDS = 11
"""Words of the command: those of its head, three keys, five arguments."""


class TokenTemplate:
    """Stores tokens of their own with the same facts: their times, and the tokens themselves, are others."""

    __slots__ = ("_after", "_before", "_link", "_mac", "_names", "_packed", "_record")

    def __init__(
        self,
        link: RedisConnection,
        names: KeyNames,
        mac: RecordMac,
        facts: TokenInfo,
        credentials: Sequence[str],
    ) -> None:
        """`facts`: of such a token, whatever its times. `credentials`: as in a `TokenDraft`."""
        self._link, self._names, self._mac = link, names, mac
        self._record = RecordTemplate(facts)
        registered, group = facts.source == "store", names.group(facts.client)
        clients = names.clients(group) if registered else names.file_clients_in(group)
        self._before = (names.client_generation(facts.client), clients)
        self._after = (facts.client, "1" if registered else "", " ".join(credentials))
        word = b"$%d\r\n%s\r\n"
        head, before, after = bulks(_HEAD), bulks(self._before), bulks(self._after)
        self._packed = b"*%d\r\n%s%s%s%s%s%s" % (_WORDS, head, word, before, word, word, after)

    def store(
        self,
        name: str,
        issued: int,
        lifetime: int,
        read: Callable[[float | None], None],
        recipient: Recipient,
    ) -> None:
        """Stores a token: `name` is its hash, `issued` in seconds since the epoch, `lifetime` in seconds.

        `read` is told how many seconds it lives on; None: it is not stored, since its client was registered
        in the store and is no longer, or has none of the credentials any more. Then `recipient` hears that
        it is over, or what `read` has raised.

        Raises:
            StoreUnavailable: it can't be stored now. `recipient` may hear of it later.
        """
        key, milliseconds = self._names.token(name), lifetime * 1000
        record = self._mac.sign_bytes(key, self._record.at(issued, issued + lifetime))
        words: tuple[Argument, ...] = (*_HEAD, key, *self._before, record, milliseconds, *self._after)
        place, life = key.encode(), b"%d" % milliseconds
        packed = self._packed % (len(place), place, len(record), record, len(life), life)

        def decode(answer: list[Any] | None) -> None:
            read(None if answer is None else int(answer[0]) / 1000)

        self._link.run(ISSUE, words, packed, decode, recipient)

"""The last refusals, for an hour: a stream of bounded length, `<prefix>refusals`."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.script import Script

MAX_ENTRIES = 10_000
LIFETIME = 3600
"""Seconds an entry is shown for, and the key lives after the last one."""
PAGE = 1000

_FIELD = b"facts"

ADD = Script(
    "refusals.add",
    """
for i = 2, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'facts', ARGV[i]) end
redis.call('EXPIRE', KEYS[1], 3600)
""",
)


class RefusalStore:
    """Refusals as JSON texts. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._key = names.refusals

    async def add(self, refusals: Sequence[str]) -> None:
        """Adds refusals; the oldest make room."""
        if refusals:
            await self._link.script(ADD, (self._key,), [MAX_ENTRIES, *refusals])

    async def find(self, request_id: str, now: float) -> str | None:
        """The newest refusal of the last hour whose JSON has this request id; None: there is none."""
        wanted = f'"request_id": "{request_id}"'.encode()
        oldest, end = max(0, int((now - LIFETIME) * 1000)), b"+"
        while True:
            page: list[tuple[bytes, list[bytes]]] = await self._link.execute(
                "XREVRANGE", self._key, end, str(oldest), "COUNT", PAGE
            )
            for _, fields in page:
                text = _facts(fields)
                if wanted in text:
                    return text.decode()
            if len(page) < PAGE:
                return None
            # An entry's id before the last one's, exclusively (Redis 6.2).
            end = b"(" + page[-1][0]


def _facts(fields: Sequence[bytes]) -> bytes:
    return dict(zip(fields[::2], fields[1::2], strict=True)).get(_FIELD, b"")

"""Clients' keys at their `jwks_uri`: fetched when an assertion needs them, by the rules of issuers' keys."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from gateway.errors import IssuerUnavailable
from gateway.issuers.http_client import HttpClient
from gateway.issuers.issuer_keys import RemoteKeys
from gateway.jose.jwk import PublicKey
from gateway.oauth.model import Client
from gateway.runtime.caches import MIB, register

REFRESH = 600.0
"""Seconds after which keys are fetched again, when they are needed."""
_KEY_BYTES = 6 * 1024
_ENTRY_BYTES = 4 * 1024
_SETS = register("fetched key sets of clients", __name__, entries=1000, total_bytes=48 * MIB)


class ClientKeySets:
    """The key sets of this worker, by URL. The least recently used make room."""

    def __init__(
        self, configured: HttpClient, registered: HttpClient, clock: Callable[[], float] = monotonic
    ) -> None:
        """`registered` fetches for clients that have registered themselves, `configured` for all others."""
        self._configured = configured
        self._registered = registered
        self._clock = clock
        self._sets: OrderedDict[tuple[bool, str], RemoteKeys] = OrderedDict()

    async def keys(self, client: Client, kid: object) -> Sequence[PublicKey]:
        """The keys of a client that has a `jwks_uri`; `kid` is that of the assertion.

        Raises:
            IssuerUnavailable: they can't be had now.
        """
        known = self._of(client)
        if self._is_wanted(known, kid) and known.may_learn:
            await known.learn()
            self._make_room()
        found = known.current
        if found is None:
            raise IssuerUnavailable(f"the keys of the client {client.id} can't be had")
        return [key for keys in found.keys.values() for key in keys]

    def _of(self, client: Client) -> RemoteKeys:
        own = bool(client.registration)
        name = (own, client.jwks_uri)
        known = self._sets.get(name)
        if known is None:
            known = self._sets[name] = RemoteKeys(
                self._registered if own else self._configured,
                issuer=f"the client {client.id}",
                url=client.jwks_uri,
                refresh=REFRESH,
                changed=lambda: None,
                clock=self._clock,
            )
            self._make_room()
        self._sets.move_to_end(name)
        return known

    @staticmethod
    def _is_wanted(known: RemoteKeys, kid: object) -> bool:
        found = known.current
        if found is None or known.age >= REFRESH:
            return True
        return isinstance(kid, str) and kid not in found

    def _make_room(self) -> None:
        total = sum(map(_size, self._sets.values()))
        while len(self._sets) > 1 and (len(self._sets) > _SETS.entries or total > _SETS.total_bytes):
            _, last = self._sets.popitem(last=False)
            total -= _size(last)


def _size(known: RemoteKeys) -> int:
    keys = 0 if known.current is None else sum(map(len, known.current.keys.values()))
    return _ENTRY_BYTES + known.raw_bytes + keys * _KEY_BYTES

"""Caches responses in the store (RFC 9111), so that no caller gets another's."""

import asyncio
import json
import logging
from collections.abc import Awaitable
from dataclasses import replace
from hashlib import blake2b

from pydantic import Field

from gateway.plugin import (
    NOT_CACHED,
    BodyFilter,
    Exchange,
    Headers,
    Lifetime,
    Margin,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    Response,
    ResponseHead,
    Size,
    StoredResponse,
    StoreUnavailable,
    date_value,
    directives,
    header_values,
    is_for_all,
    is_known,
    is_storable,
    may_be_used,
    may_outlast_errors,
    seconds_of,
    vary_names,
)
from plugins.cache_flights import FlightResult, Flights, RecentKeys
from plugins.cache_keys import (
    ANONYMOUS,
    CacheKey,
    bypasses,
    cache_key,
    changed_uris,
    of_upstream,
    request_control,
)
from plugins.cache_turn import CacheRecorder, CacheTurn

log = logging.getLogger("gatepost")

STALE_FOR = 3600
"""Seconds that a response with a validator is kept beyond its end, to be asked about."""
RECENT = 60.0
"""Seconds for which it is remembered that a response could not be stored, or not for all."""
_ERRORS = 400
_FAILED = frozenset({500, 502, 503, 504})
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_CONDITIONAL = (b"if-none-match", b"if-modified-since")
# RFC 9110 section 15.4.5, and what is of use with them.
_IN_304 = frozenset(
    {b"cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified", b"vary"}
)
_INDEX, _RESPONSE = b"v", b"r"


class CacheConfig(PluginConfig):
    """Options of `cache`."""

    max: Size = Field(default=256 * 1024, description="Larger bodies are not stored.")
    entries: int = Field(
        default=2000, ge=1, le=1_000_000, description="At most so many responses are stored."
    )
    longest: Lifetime = Field(default=86400, description="No response is stored for longer.")
    default: Margin = Field(
        default=0, description="How long responses are fresh that do not say it themselves. 0: not at all."
    )
    stale_if_error: Margin = Field(
        default=0,
        description="How long beyond its end a response is given out where the upstream fails, and the "
        "response does not say it itself.",
    )
    collapse: bool = Field(
        default=True, description="Whether of identical requests one goes upstream, and the others wait."
    )
    status: bool = Field(
        default=True, description="Whether responses get the header Cache-Status (RFC 9211)."
    )


class Cache(ProxyPlugin):
    """Answers from the store what is fresh, and stores what may be stored."""

    Config = CacheConfig
    config: CacheConfig
    replaces_upstream = True

    def __init__(self, config: CacheConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._state = f"cache {context.place}"
        self._flights = Flights()
        self._passing, self._personal = RecentKeys(), RecentKeys()
        self._unwritten: set[str] = set()
        """Places of generations that could not be changed: nothing is read until they are."""
        self._writes: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Waits for what is being stored."""
        await asyncio.gather(*self._writes)

    # Before the upstream is asked. The token has been checked.

    def on_forward(self, exchange: Exchange) -> Awaitable[Response | None] | None:
        """Answers from the store, or asks the upstream whether what is stored is still good."""
        request = exchange.request
        turn = exchange.state[self._state] = CacheTurn("bypass")
        if request.method not in ("GET", "HEAD"):
            turn.way = "method"
            return None
        turn.control = request_control(request)
        if self.context.responses is None or "no-store" in turn.control or bypasses(request):
            return None
        return self._looked_up(exchange, turn)

    async def _looked_up(self, exchange: Exchange, turn: CacheTurn) -> Response | None:
        key = cache_key(exchange)
        try:
            found, caller = await self._find(key, turn)
        except StoreUnavailable:
            return None
        turn.key, now = key, self.context.clock()
        if found is not None and may_be_used(found, turn.control, now, self.config.default):
            return self._hit(exchange, turn, found, f"hit; ttl={self._left(found)}")
        if "only-if-cached" in turn.control:
            # RFC 9111 section 5.2.1.7.
            raise Problem(NOT_CACHED)
        if found is not None:
            demanded = may_be_used(found, {}, now, self.config.default)
            turn.way, turn.found = "request" if demanded else "stale", found
            turn.stale, turn.caller = found, caller
        if self.config.collapse and exchange.request.method == "GET":
            answer = await self._collapsed(exchange, turn, key)
            if answer is not None:
                return answer
        turn.requested = self.context.clock()
        self._ask_about(exchange, turn)
        return None

    async def _collapsed(self, exchange: Exchange, turn: CacheTurn, key: CacheKey) -> Response | None:
        """The response to another such request that is under way. None: this one goes upstream."""
        now = self.context.clock()
        if self._passing.has(key.resource, now) or "no-cache" in turn.control:
            return None
        apart = key.caller == ANONYMOUS or self._personal.has(key.resource, now)
        group = key.resource + (key.caller if apart else "")
        other = self._flights.find(group)
        if other is None:
            asks = turn.stale is not None and turn.stale.validators
            if asks or not any(map(exchange.request.values, _CONDITIONAL)):
                turn.flight = self._flights.begin(group)
            return None
        result = await other.wait()
        if result is None or result.caller not in ("", key.caller):
            return None
        found = result.response
        same = result.varied == key.varied(vary_names(found.headers))
        if not same or not may_be_used(found, turn.control, self.context.clock(), self.config.default):
            return None
        return self._hit(exchange, turn, found, f"fwd={turn.way}; collapsed")

    def _ask_about(self, exchange: Exchange, turn: CacheTurn) -> None:
        """RFC 9111 section 4.3.1: with the validators of what is stored."""
        validators = [] if turn.stale is None else turn.stale.validators
        if not validators or exchange.forward is None or exchange.request.method != "GET":
            turn.stale = None
            return
        for name in _CONDITIONAL:
            exchange.forward.remove(name.decode())
        exchange.forward.headers += validators

    async def _find(self, key: CacheKey, turn: CacheTurn) -> tuple[StoredResponse | None, str]:
        """What is stored, the newest first, and to whom it may be given. Raises StoreUnavailable."""
        store, entries = self.context.responses, self.config.entries
        assert store is not None  # noqa: S101 (for mypy: `on_forward` has made sure)
        for uri in tuple(self._unwritten):
            await self._void(uri)
        callers = tuple(dict.fromkeys((key.caller, "")))
        reads = [store.get(self.context.place, entries, key.identity(caller)) for caller in callers]
        generation, records = await asyncio.gather(
            store.generation(entries, self._place(key.uri)), asyncio.gather(*reads)
        )
        turn.generation = generation
        turn.way = "uri-miss"
        best: tuple[StoredResponse | None, str] = None, ""
        for caller, first in zip(callers, records, strict=True):
            record = first
            if record is not None and record.startswith(_INDEX):
                names = tuple(name.encode("latin-1") for name in json.loads(record[1:]))
                record = await store.get(self.context.place, entries, key.identity(caller, names))
                turn.way = "vary-miss"
            if record is None or not record.startswith(_RESPONSE):
                continue
            found = StoredResponse.from_bytes(record[1:])
            if found.generation == turn.generation and (best[0] is None or found.received > best[0].received):
                best = found, caller
        return best

    # When the upstream has answered.

    def on_response(self, exchange: Exchange) -> Awaitable[None] | None:
        """RFC 9111 section 4.4: what an unsafe request has changed is void before its client knows."""
        head = exchange.response
        if head is None or exchange.request.method in SAFE or not 200 <= head.status < _ERRORS:  # noqa: PLR2004 (of success)
            return None
        return self._voided(exchange, head)

    async def _voided(self, exchange: Exchange, head: ResponseHead) -> None:
        for uri in changed_uris(exchange.request, head):
            place = self._place(uri)
            try:
                await self._void(place)
            except StoreUnavailable:
                self._unwritten.add(place)

    async def _void(self, place: str) -> None:
        store = self.context.responses
        if store is not None:
            await store.invalidate(self.config.entries, place, self.config.longest + 2 * STALE_FOR)
        self._unwritten.discard(place)

    def on_stream(self, exchange: Exchange, length: int | None) -> BodyFilter | Response | None:
        """Stores what may be stored, and answers where the upstream says that what is stored still holds."""
        turn, head = exchange.state.get(self._state), exchange.response
        if not isinstance(turn, CacheTurn) or head is None or turn.over:
            return None
        turn.over = True
        headers, now = of_upstream(exchange, head), self.context.clock()
        if turn.stale is not None and head.status == 304:  # noqa: PLR2004 (Not Modified)
            return self._still_good(exchange, turn, turn.stale.updated(headers, turn.requested, now))
        if head.status in _FAILED and (spare := self._spare(exchange, turn)) is not None:
            turn.land(None)
            return spare
        if not header_values(headers, b"date"):
            headers.append((b"Date", date_value(now)))
        response = StoredResponse(head.status, tuple(headers), b"", turn.requested, now, turn.generation)
        stores = exchange.request.method == "GET" and self._stores(turn, response, length)
        self._tell(head.headers, f"fwd={turn.way}; fwd-status={head.status}" + ("; stored" if stores else ""))
        if not stores or turn.key is None:
            if head.status < _ERRORS:
                self.passes(turn)
            turn.land(None)
            return None
        for_all = is_for_all(directives(headers), authorized=turn.key.authorized)
        caller = "" if for_all else turn.key.caller
        if caller and turn.flight is not None and not turn.flight.group.endswith(caller):
            self._personal.add(turn.key.resource, now + RECENT)
            turn.land(None)
        return CacheRecorder(
            self.config.max,
            lambda body: self.keep(turn, response, body, caller),
            lambda: self.passes(turn),
        )

    def on_failure(self, exchange: Exchange) -> Response | None:
        """RFC 5861 section 4: what is stale is better than nothing, where the upstream lets it."""
        turn = exchange.state.get(self._state)
        if not isinstance(turn, CacheTurn) or turn.over:
            return None
        spare = self._spare(exchange, turn)
        turn.over = spare is not None
        return spare

    def _spare(self, exchange: Exchange, turn: CacheTurn) -> Response | None:
        found, config, now = turn.found, self.config, self.context.clock()
        if found is None or not may_outlast_errors(
            found, turn.control, now, config.default, config.stale_if_error
        ):
            return None
        return self._answer(exchange, found, f"fwd={turn.way}; detail=stale-if-error")

    def _still_good(self, exchange: Exchange, turn: CacheTurn, response: StoredResponse) -> Response:
        self.keep(turn, response, response.body, turn.caller)
        return self._answer(exchange, response, f"fwd={turn.way}; fwd-status=304; stored")

    def _stores(self, turn: CacheTurn, response: StoredResponse, length: int | None) -> bool:
        if turn.key is None or (length is not None and length > self.config.max):
            return False
        useful = response.lifetime(self.config.default) > 0 or bool(response.validators)
        return useful and is_storable(turn.control, response.status, response.headers)

    def passes(self, turn: CacheTurn) -> None:
        """The response is not stored: nobody need wait for such a one for a while."""
        if turn.key is not None and turn.flight is not None:
            self._passing.add(turn.key.resource, self.context.clock() + RECENT)
        turn.land(None)

    def keep(self, turn: CacheTurn, response: StoredResponse, body: bytes, caller: str) -> None:
        """Stores a complete response, and tells those who wait for it."""
        if turn.key is None:
            return
        names = vary_names(response.headers)
        whole = replace(response, body=body, generation=turn.generation)
        turn.land(FlightResult(whole, caller, turn.key.varied(names)))
        write = asyncio.create_task(self._write(turn, whole, names, caller), name="cached response")
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def _write(
        self, turn: CacheTurn, response: StoredResponse, names: tuple[bytes, ...], caller: str
    ) -> None:
        try:
            if turn.key is not None:
                await self._put(turn.key, response, names, caller)
        except StoreUnavailable as error:
            log.debug("a response is not cached: %s", error.reason)
        finally:
            if turn.flight is not None:
                turn.flight.leave()

    async def _put(
        self, key: CacheKey, response: StoredResponse, names: tuple[bytes, ...], caller: str
    ) -> None:
        store, place, config = self.context.responses, self.context.place, self.config
        left = response.lifetime(config.default) - response.age(response.received)
        seconds = min(config.longest, max(0.0, left) + _beyond(response, config.stale_if_error))
        if store is None or seconds <= 0:
            return
        data = _RESPONSE + response.to_bytes()
        if names:
            index = _INDEX + json.dumps([name.decode("latin-1") for name in names]).encode()
            await store.put(place, config.entries, key.identity(caller), index, config.longest)
        await store.put(place, config.entries, key.identity(caller, names), data, seconds)

    def on_finish(self, exchange: Exchange) -> None:
        """Whoever still waits must ask for himself."""
        turn = exchange.state.get(self._state)
        if isinstance(turn, CacheTurn):
            turn.land(None)

    # Answers.

    def _hit(self, exchange: Exchange, turn: CacheTurn, response: StoredResponse, how: str) -> Response:
        turn.over = True
        return self._answer(exchange, response, how)

    def _answer(self, exchange: Exchange, response: StoredResponse, how: str) -> Response:
        known = is_known(exchange.request.headers, response)
        headers = [item for item in response.headers if item[0].lower() != b"age"]
        if known:
            headers = [item for item in headers if item[0].lower() in _IN_304]
        headers.append((b"Age", b"%d" % response.age(self.context.clock())))
        self._tell(headers, how)
        return Response(304, b"", headers) if known else Response(response.status, response.body, headers)

    def _tell(self, headers: Headers, how: str) -> None:
        if self.config.status:
            headers.append((b"Cache-Status", b"gatepost; " + how.encode()))

    def _place(self, uri: str) -> str:
        """That of a URI's generation: as many as there are entries."""
        digest = blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return str(int.from_bytes(digest, "big") % self.config.entries)

    def _left(self, response: StoredResponse) -> int:
        return int(response.lifetime(self.config.default) - response.age(self.context.clock()))

    def summary(self) -> str:
        """What is stored at most, for `gatepost explain`."""
        return f"Cache (bodies up to {self.config.max} bytes)"


def _beyond(response: StoredResponse, stale_if_error: float) -> float:
    """Seconds for which it is of use when it is stale."""
    control = directives(response.headers)
    says = "stale-if-error" in control
    spare = seconds_of(control["stale-if-error"]) if says else stale_if_error
    return max(STALE_FOR if response.validators else 0.0, spare)

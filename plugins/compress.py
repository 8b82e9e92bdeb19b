"""Compresses responses, as far as clients take it: gzip, Brotli, Zstandard."""

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from gateway.plugin import (
    BodyFilter,
    Exchange,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    ResponseHead,
    Size,
    header_values,
)

Coding = Literal["gzip", "br", "zstd"]

# RFC 9110 section 12.5.3: a coding and its weight (section 12.4.2).
_MEMBER = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)
_ALIASES = {"x-gzip": "gzip"}  # RFC 9110 section 8.4.1.3
# No content, parts of a representation, and what must be as the upstream's cache knows it.
_NEVER = frozenset({204, 205, 206})
_NOT_MODIFIED = 304
_HTTP_1_1 = (1, 1)
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/(?:\*|(?:\*\+)?[A-Za-z0-9!#$&^_.+-]{1,127})")
_WINDOW = 19
"""Bytes that br and zstd look back, as a power of two: a response takes about 1 MiB of memory by that."""
EVENTS = "text/event-stream"


def check_type(value: str) -> str:
    """Validates a media type, `text/*` or `application/*+json`."""
    if not _TYPE.fullmatch(value):
        raise ValueError("must be a media type such as text/html, text/* or application/*+json")
    return value.lower()


MediaType = Annotated[str, AfterValidator(check_type)]


def _compressor(coding: Coding) -> Any:
    """The module that compresses. Raises ImportError where it is not installed."""
    if coding == "gzip":
        return zlib
    if coding == "br":
        return import_module("brotli")
    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("backports.zstd")


def _installed(coding: Coding) -> bool:
    try:
        _compressor(coding)
    except ImportError:
        return False
    return True


class CompressLevels(PluginConfig):
    """How hard each coding tries: more is smaller and slower."""

    gzip: int = Field(default=5, ge=1, le=9, description="1 to 9.")
    br: int = Field(default=4, ge=0, le=11, description="0 to 11.")
    zstd: int = Field(default=3, ge=1, le=19, description="1 to 19.")


class CompressConfig(PluginConfig):
    """Options of `compress`."""

    codings: tuple[Coding, ...] | None = Field(
        default=None,
        min_length=1,
        description="Which codings, the most wanted first; null: zstd, br and gzip, as far as installed.",
    )
    min: Size = Field(default=1024, description="Responses that are smaller are sent as they are.")
    types: tuple[MediaType, ...] = Field(
        default=(
            "text/*",
            "application/json",
            "application/*+json",
            "application/x-ndjson",
            "application/javascript",
            "application/xml",
            "application/*+xml",
            "application/wasm",
            "image/svg+xml",
        ),
        description="Which Content-Types. Event streams are never compressed.",
    )
    levels: CompressLevels = Field(default=CompressLevels(), description="How hard each coding tries.")
    offload: bool = Field(
        default=False, description="Whether upstreams are not asked to compress, so that it is done here."
    )

    @field_validator("codings")
    @classmethod
    def _can_be_had(cls, value: tuple[Coding, ...] | None) -> tuple[Coding, ...] | None:
        for coding in value or ():
            if not _installed(coding):
                raise ValueError(
                    f"has {coding}, which needs the extra compress: pip install gatepost[compress]"
                )
        return value


def accepted_coding(values: Iterable[bytes], offered: Sequence[Coding]) -> Coding | None:
    """The coding for a client with these Accept-Encoding headers; None: the content as it is.

    RFC 9110 section 12.5.3. `offered`: the most wanted first, which decides between equal weights. What is
    malformed is not looked at, and who names nothing gets nothing.
    """
    weights: dict[str, float] = {}
    for member in b",".join(values).split(b","):
        if (found := _MEMBER.fullmatch(member.strip())) is not None:
            name = found[1].decode().lower()
            weights.setdefault(_ALIASES.get(name, name), float(found[2] or 1))
    rest = weights.get("*", 0.0)
    best = max(offered, key=lambda coding: weights.get(coding, rest))
    weight = weights.get(best, rest)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


class CompressionFilter:
    """One response on its way through a compressor."""

    changes = True

    def __init__(self, compress: Callable[[bytes], bytes], finish: Callable[[], bytes]) -> None:
        self._compress = compress
        self.finish = finish

    def feed(self, data: bytes) -> bytes:
        """What the client can be sent by now."""
        return self._compress(data)


def compression(coding: Coding, level: int, *, flush: bool) -> BodyFilter:
    """A new filter. `flush`: each piece goes out when it comes, for those who wait for it."""
    module = _compressor(coding)
    made: Any
    take: Callable[[bytes], bytes]
    push: Callable[[], bytes]
    end: Callable[[], bytes]
    if coding == "gzip":
        made = zlib.compressobj(level, wbits=zlib.MAX_WBITS | 16)
        take, push, end = made.compress, lambda: made.flush(zlib.Z_SYNC_FLUSH), made.flush
    elif coding == "br":
        made = module.Compressor(quality=level, lgwin=_WINDOW)
        take, push, end = made.process, made.flush, made.finish
    else:
        name = module.CompressionParameter
        made = module.ZstdCompressor(options={name.compression_level: level, name.window_log: _WINDOW})
        take, push, end = made.compress, lambda: made.flush(made.FLUSH_BLOCK), made.flush
    return CompressionFilter((lambda data: take(data) + push()) if flush else take, end)


def _matches(media_type: str, wanted: str) -> bool:
    """Whether a media type is the wanted one; `*` in that stands for anything."""
    before, star, after = wanted.partition("*")
    if not star:
        return media_type == wanted
    enough = len(media_type) > len(before) + len(after)
    return enough and media_type.startswith(before) and media_type.endswith(after)


class Compress(ProxyPlugin):
    """Decides by request and response head, and compresses what comes piece by piece."""

    Config = CompressConfig

    def __init__(self, config: CompressConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        wanted: tuple[Coding, ...] = ("zstd", "br", "gzip")
        self._codings = config.codings or tuple(one for one in wanted if _installed(one))
        self._types = config.types
        self._min = config.min
        self._levels: dict[str, int] = config.levels.model_dump()
        self.idle = () if config.offload else ("on_forward",)

    def on_forward(self, exchange: Exchange) -> None:
        """With `offload`: the upstream is not asked to compress."""
        if exchange.forward is not None:
            exchange.forward.remove("Accept-Encoding")

    def on_stream(self, exchange: Exchange, length: int | None) -> BodyFilter | None:
        """Puts a compressor in the way of what the client takes compressed."""
        request, head = exchange.request, exchange.response
        if head is None or request.version < _HTTP_1_1 or not self._could(head, length):
            return None
        if _no_transform(request.headers) or _no_transform(head.headers):
            return None
        _vary(head)
        coding = accepted_coding(request.values(b"accept-encoding"), self._codings)
        if coding is None:
            return None
        if request.method != "HEAD" and head.status != _NOT_MODIFIED:
            head.set("Content-Encoding", coding)
        return compression(coding, self._levels[coding], flush=length is None)

    def _could(self, head: ResponseHead, length: int | None) -> bool:
        """Whether the response is one that is compressed for those who ask for it."""
        if head.status == _NOT_MODIFIED:
            # Its ETag must be that of the response that the client has.
            return bool(header_values(head.headers, b"etag"))
        if head.status in _NEVER or (length is not None and length < self._min):
            return False
        codings = header_values(head.headers, b"content-encoding")
        if any(coding.strip().lower() != b"identity" for coding in codings):
            return False
        if header_values(head.headers, b"content-range"):
            return False
        types = header_values(head.headers, b"content-type")
        media_type = types[0].partition(b";")[0].strip().lower().decode("latin-1") if types else ""
        return media_type != EVENTS and any(_matches(media_type, wanted) for wanted in self._types)

    def summary(self) -> str:
        """Which codings, for `gatepost explain`."""
        return f"Compress ({', '.join(self._codings)})"


def _no_transform(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """RFC 9111 sections 5.2.1.6 and 5.2.2.6."""
    values = b",".join(header_values(headers, b"cache-control"))
    return any(one.strip().lower() == b"no-transform" for one in values.split(b","))


def _vary(head: ResponseHead) -> None:
    """RFC 9110 section 12.5.5: what is sent depends on Accept-Encoding."""
    values = b",".join(header_values(head.headers, b"vary"))
    names = {one.strip().lower() for one in values.split(b",")}
    if not names & {b"*", b"accept-encoding"}:
        head.headers.append((b"Vary", b"Accept-Encoding"))

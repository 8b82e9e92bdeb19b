"""Parses the responses of one connection: llhttp reads the bytes, this keeps what it found.

No I/O, and no exception ever leaves `feed`: what is wrong is in `error`.
"""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.http.cached_response_head import CachedResponseHead
from gateway.http.chunked_body import whole_chunks
from gateway.http.exchange import Headers, ResponseHead
from gateway.http.response_framing import status_line
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.response_length import response_framing_of, sound_reason

HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a response's head where no other limit is configured."""

_SWITCHING_PROTOCOLS: Final = 101
_FIRST_FINAL: Final = 200
_FIRST_STATUS: Final = 100
_VERSIONS: Final = {"1.1": (1, 1), "1.0": (1, 0)}


class ResponseParser:
    """Parses one response after the other. Call `expect` before each, then `feed`, then read the fields."""

    __slots__ = (
        "_body",
        "_closing_interim",
        "_fed",
        "_head_limit",
        "_headers",
        "_incomplete",
        "_informational",
        "_last",
        "_only_whole",
        "_overhead",
        "_parser",
        "_reason",
        "_to_head",
        "_upgrade",
        "complete",
        "error",
        "framing",
        "head",
        "reusable",
        "trailers",
    )

    def __init__(self, head_limit: int = HEAD_LIMIT) -> None:
        """`head_limit`: bytes of a head, also of whatever else is not content, such as trailers."""
        self._head_limit = head_limit
        self._parser: HttpResponseParser | None = None
        """llhttp's part, which refers to this one. Most responses need none."""
        self._incomplete = False
        self.expect(to_head=False, upgrade=False)

    def expect(self, *, to_head: bool, upgrade: bool) -> None:
        """Resets the parser for the next response.

        Args:
            to_head: the request's method is HEAD.
            upgrade: the request asked for another protocol, so that 101 may come.
        """
        if self._incomplete:  # a response to HEAD with a Content-Length is complete for us, not for llhttp
            self._parser = None
            self._incomplete = False
        self._to_head = to_head
        self._upgrade = upgrade
        self._fed = self._overhead = 0
        self._last = b""
        self._only_whole = False
        self._closing_interim = False
        self._headers: Headers = []
        self._reason = b""
        self._body: list[bytes] = []
        self.trailers: Headers = []
        """The trailer section of a chunked response; never merged into the headers."""
        self._informational: list[ResponseHead] = []
        self.head: ResponseHead | None = None
        self.framing = UpstreamFraming.NONE
        self.complete = False
        self.reusable = True
        self.error: UpstreamBroken | None = None

    def expect_chunks(self, head: CachedResponseHead, begin: bytes) -> None:
        """Resets the parser for a chunked body, whose head has been read already, and reads its `begin`.

        As long as chunks arrive whole, as those of events do, llhttp has no part in it.
        """
        self.expect(to_head=False, upgrade=False)
        self.head, self.framing = head, UpstreamFraming.CHUNKED
        self._only_whole = True
        if begin and (content := self.read_body(begin)):
            self._body.append(content)

    def read_body(self, data: bytes) -> bytes:
        """Reads on behind the head. What has come of the content."""
        if self._only_whole:
            found = whole_chunks(data)
            if found is not None:
                content, self.complete = found
                return content
            self._only_whole = False
            self._catch_up()
        self.feed(data)
        return self.take_body()

    def feed(self, data: bytes) -> None:
        """Reads on. Afterwards the public fields and `take_body` hold what is new."""
        self._fed += len(data)
        rest = data
        # Head by head: behind an interim response may come another head, for a parser of its own.
        while rest and self.head is None and self.error is None:
            end = _end_of_head(self._last, rest)
            self._feed(rest[:end])
            rest = rest[end:]
        if rest and self.framing is UpstreamFraming.UPGRADE:
            self._body.append(rest)
        elif rest:
            self._feed(rest)
        if not (self._body or self.complete):
            self._limit_overhead(len(data))
        else:
            self._overhead = 0

    def _feed(self, data: bytes) -> None:
        self._last = (self._last + data[-3:])[-3:]
        parser = self._parser
        if parser is None:
            parser = self._parser = HttpResponseParser(self)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._body.append(data[upgrade.args[0] :])
        except HttpParserError as error:
            self._note(error)
        if self._closing_interim:
            # RFC 9112 section 9.6: "close" is about the final response. llhttp would read no further.
            self._closing_interim = False
            self.reusable = False
            self._parser = None

    def _catch_up(self) -> None:
        """Gives llhttp the head: behind that it is where it would be between any two chunks."""
        head, self.head = self.head, None
        assert isinstance(head, CachedResponseHead)  # noqa: S101 (for mypy: `expect_chunks` has set it)
        self._feed(b"%s%s\r\n" % (status_line(head), head.lines))
        self.head = head

    def finish(self) -> None:
        """The upstream has closed: the end of a response without a length, else a truncated one."""
        if self.framing is UpstreamFraming.CLOSE and self.head is not None and self.error is None:
            self.complete = True
        elif not self.complete and self.error is None:
            self.error = UpstreamBroken("closed by upstream before the response was complete")

    def close(self) -> None:
        """Nothing more comes. What has been found stays; llhttp's part, which refers to this, is let go."""
        self._parser = None

    @property
    def has_body(self) -> bool:
        """Whether content has come that has not been taken."""
        return bool(self._body)

    def take_body(self) -> bytes:
        """The content that has come since the last call."""
        pieces = self._body
        if not pieces:
            return b""
        self._body = []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def take_informational(self) -> list[ResponseHead]:
        """The 1xx heads that have come since the last call."""
        heads = self._informational
        if heads:
            self._informational = []
        return heads

    def _note(self, error: HttpParserError) -> None:
        # After a complete response this only means that the connection can't be used again.
        self.reusable = False
        if not self.complete and self.error is None:
            self.error = UpstreamBroken(f"not HTTP: {error}")

    def _limit_overhead(self, size: int) -> None:
        self._overhead += size
        if self._overhead > self._head_limit and self.error is None:
            self.error = UpstreamBroken("head, chunk extensions or trailers too large")

    def _fail(self, reason: str) -> UpstreamBroken:
        self.error = UpstreamBroken(reason)
        return self.error

    # What llhttp calls.

    def on_message_begin(self) -> None:
        """A message starts; one that no request asked for is an error."""
        if self.complete:
            self.reusable = False
            raise UpstreamBroken("bytes after the response")

    def on_status(self, reason: bytes) -> None:
        """A piece of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer once the head is known."""
        if self.head is None:
            self._headers.append((name, value))
        else:
            self.trailers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is complete: checks it."""
        parser = self._parser
        assert parser is not None  # noqa: S101 (for mypy: it calls this)
        status = parser.get_status_code()
        version = _VERSIONS.get(parser.get_http_version())
        headers, reason = self._headers, self._reason
        if version is None or status < _FIRST_STATUS or not sound_reason(reason):
            raise self._fail("no valid status line")
        limit = self._head_limit
        if self._fed > limit and sum(len(n) + len(v) + 4 for n, v in headers) > limit:
            raise self._fail("head too large")
        head = ResponseHead(status, reason, headers, version)
        if status < _FIRST_FINAL:
            self._interim(head, parser)
            return
        try:
            self.framing, persistent = response_framing_of(
                status, headers, to_head=self._to_head, http_10=version == (1, 0)
            )
        except UpstreamBroken as error:
            self.error = error
            raise
        self.head = head
        self._incomplete = True
        self.reusable = self.reusable and persistent
        if self.framing is UpstreamFraming.NONE:
            self.complete = True

    def _interim(self, head: ResponseHead, parser: HttpResponseParser) -> None:
        if head.status != _SWITCHING_PROTOCOLS:
            self._informational.append(head)
            self._headers, self._reason = [], b""
        elif self._upgrade and parser.should_upgrade():
            self.head, self.framing = head, UpstreamFraming.UPGRADE
            self.reusable = False
        else:
            raise self._fail("switched protocols unasked")

    def on_body(self, data: bytes) -> None:
        """A piece of content; after a response that has none it is unexpected."""
        if self.complete:
            self.reusable = False
        else:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """The message has ended for llhttp: an interim one changes nothing."""
        parser = self._parser
        assert parser is not None  # noqa: S101 (for mypy: it calls this)
        if self.head is None:
            self._closing_interim = not parser.should_keep_alive()
        elif self.framing is not UpstreamFraming.UPGRADE:
            self.complete = True
            self._incomplete = False
            # llhttp also looks at Proxy-Connection and at a Connection trailer: then it reads no more.
            self.reusable = self.reusable and parser.should_keep_alive()


def _end_of_head(before: bytes, data: bytes) -> int:
    """Where the empty line behind a head ends in `data`; its whole length where none does.

    `before` are the last three bytes that came before.
    """
    found = (before + data).find(b"\r\n\r\n")
    return len(data) if found < 0 else found + 4 - len(before)

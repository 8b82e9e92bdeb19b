"""One upstream's answers, out of its bytes: llhttp does the reading, this keeps what it found.

No I/O, and no exception ever leaves `feed`: what is wrong stands in `error`.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.framing import judge_framing, sound_reason
from gateway.upstream.sink import Framing

HEAD_LIMIT = 64 * 1024
"""Bytes of an answer's head; also of whatever else comes that is not content, such as trailers."""

_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL = 200
_FIRST_STATUS = 100
_VERSIONS = {"1.1": (1, 1), "1.0": (1, 0)}


class ResponseParser:
    """Reads one answer after the other. Call `expect` before each, then `feed` what comes, then look."""

    __slots__ = (
        "_body",
        "_fed",
        "_headers",
        "_informational",
        "_midway",
        "_parser",
        "_quiet",
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

    def __init__(self) -> None:
        self._midway = True
        self.expect(to_head=False, upgrade=False)

    def expect(self, *, to_head: bool, upgrade: bool) -> None:
        """Forgets the last answer and makes ready for the next.

        Args:
            to_head: the request's method is HEAD.
            upgrade: the request asked for another protocol, so that 101 may come.
        """
        if self._midway:  # an answer to HEAD with a Content-Length has ended for us, not for llhttp
            self._parser = HttpResponseParser(self)
            self._midway = False
        self._to_head = to_head
        self._upgrade = upgrade
        self._fed = self._quiet = 0
        self._headers: Headers = []
        self._reason = b""
        self._body: list[bytes] = []
        self.trailers: Headers = []
        """The trailer section of a chunked answer; never merged into the headers."""
        self._informational: list[ResponseHead] = []
        self.head: ResponseHead | None = None
        self.framing = Framing.NONE
        self.complete = False
        self.reusable = True
        self.error: UpstreamBroken | None = None

    def feed(self, data: bytes) -> None:
        """Reads on. Afterwards the public fields and `take_body` hold what is new."""
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._body.append(data[upgrade.args[0] :])
        except HttpParserError as error:
            self._note(error)
        if not (self._body or self.complete):
            self._limit_quiet(len(data))
        else:
            self._quiet = 0

    def finish(self) -> None:
        """The upstream closed its side: the end of an answer without a length, else a truncated one."""
        if self.framing is Framing.CLOSE and self.head is not None and self.error is None:
            self.complete = True
        elif not self.complete and self.error is None:
            self.error = UpstreamBroken("closed before the answer was complete")

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
        # After a complete answer it is only known that the connection is of no further use.
        self.reusable = False
        if not self.complete and self.error is None:
            self.error = UpstreamBroken(f"not HTTP: {error}")

    def _limit_quiet(self, size: int) -> None:
        self._quiet += size
        if self._quiet > HEAD_LIMIT and self.error is None:
            self.error = UpstreamBroken("head, chunk extensions or trailers too large")

    def _fail(self, reason: str) -> UpstreamBroken:
        self.error = UpstreamBroken(reason)
        return self.error

    # What llhttp calls.

    def on_message_begin(self) -> None:
        """A message starts; one that nobody asked for ends the reading."""
        if self.complete:
            self.reusable = False
            raise UpstreamBroken("bytes after the answer")

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
        """The head is whole: judge it."""
        parser = self._parser
        status = parser.get_status_code()
        version = _VERSIONS.get(parser.get_http_version())
        headers, reason = self._headers, self._reason
        if version is None or status < _FIRST_STATUS or not sound_reason(reason):
            raise self._fail("no valid status line")
        if self._fed > HEAD_LIMIT and sum(len(n) + len(v) + 4 for n, v in headers) > HEAD_LIMIT:
            raise self._fail("head too large")
        head = ResponseHead(status, reason, headers, version)
        if status < _FIRST_FINAL:
            self._interim(head)
            return
        try:
            self.framing, persistent = judge_framing(
                status, headers, to_head=self._to_head, http_10=version == (1, 0)
            )
        except UpstreamBroken as error:
            self.error = error
            raise
        self.head = head
        self._midway = True
        self.reusable = self.reusable and persistent
        if self.framing is Framing.NONE:
            self.complete = True

    def _interim(self, head: ResponseHead) -> None:
        if head.status != _SWITCHING_PROTOCOLS:
            self._informational.append(head)
            self._headers, self._reason = [], b""
        elif self._upgrade and self._parser.should_upgrade():
            self.head, self.framing = head, Framing.UPGRADE
            self.reusable = False
        else:
            raise self._fail("switched protocols unasked")

    def on_body(self, data: bytes) -> None:
        """A piece of content; after an answer that has none it is stray."""
        if self.complete:
            self.reusable = False
        else:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """The message has ended for llhttp: an interim one changes nothing."""
        if self.head is not None and self.framing is not Framing.UPGRADE:
            self.complete = True
            self._midway = False
            # llhttp also minds Proxy-Connection, and a Connection among the trailers: it would read no more.
            self.reusable = self.reusable and self._parser.should_keep_alive()

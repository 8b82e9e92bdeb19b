"""What can go wrong between the gateway and an upstream."""

from __future__ import annotations

from gateway.errors import GatepostError


class UpstreamError(GatepostError):
    """The upstream gave no usable response. The text is for the log, never for the client."""

    where = ""
    """Which server, and on what connection; empty where no server was chosen."""

    def locate(self, server: str, *, reused: bool | None = None) -> None:
        """Notes the server, and whether the connection had carried a request before; None: there was none."""
        kind = {True: ", reused connection", False: ", new connection", None: ""}[reused]
        self.where = f"server {server}{kind}"

    def describe(self) -> str:
        """Cause and place in a line for the log."""
        return f"{self} ({self.where})" if self.where else str(self)


class UpstreamBroken(UpstreamError):  # noqa: N818 (the names say what the upstream is)
    """It refused, reset, or sent what is not HTTP: 502."""


class ClosedBeforeResponse(UpstreamBroken):
    """The connection was lost after a request had been sent and before a byte of the response came.

    On a reused connection that says nothing of the server: it may have closed an idle connection while the
    request was on its way (RFC 9112 section 9.5).
    """


class UpstreamSlow(UpstreamError):  # noqa: N818 (see above)
    """It did not connect, respond or go on within its time: 504."""


class UpstreamUnavailable(UpstreamError):  # noqa: N818 (see above)
    """No healthy server, an open circuit breaker, or a full queue: 503, again after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class UpstreamOverloaded(UpstreamUnavailable):
    """Each server that could be asked has as many requests as it can answer in time: 503, soon again."""

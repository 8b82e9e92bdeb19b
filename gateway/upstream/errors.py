"""What can go wrong between the gateway and an upstream."""

from gateway.errors import GatepostError


class UpstreamError(GatepostError):
    """The upstream gave no usable answer. The text is for the log, never for the caller."""


class UpstreamBroken(UpstreamError):  # noqa: N818 (the names say what the upstream is)
    """It refused, reset, or answered what is not HTTP: 502."""


class UpstreamSlow(UpstreamError):  # noqa: N818 (see above)
    """It did not connect, answer or go on within its time: 504."""


class UpstreamUnavailable(UpstreamError):  # noqa: N818 (see above)
    """No healthy server, an open breaker, or a full queue: 503, again after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        super().__init__(reason)
        self.retry_after = retry_after

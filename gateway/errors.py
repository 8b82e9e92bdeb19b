"""Errors that several rooms know. A room's own errors live with it."""


class GatepostError(Exception):
    """The base of every error that Gatepost raises on purpose."""


class StartError(GatepostError):
    """The gateway can't start; the text tells a person why and what to do."""


class StoreUnavailable(GatepostError):  # noqa: N818 (the name says the state, as callers read it)
    """The store can't be reached, is too slow, or refuses to write. Nobody is let in meanwhile.

    `retry_after` is a hint in seconds for the caller.
    """

    answered = False
    """Whether the store has answered, and refused the command."""

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class IssuerUnavailable(GatepostError):  # noqa: N818 (as above)
    """Another issuer can't be asked about its token now, and so nobody is let in with it.

    `retry_after` is a hint in seconds for the caller.
    """

    def __init__(self, reason: str, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


def system_error(error: OSError) -> str:
    """What the system says, in one line, with the file if it is about one."""
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{error.filename}: {reason}"

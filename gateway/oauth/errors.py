"""The table of OAuth errors: what the caller reads, and with which status.

RFC 6749 section 5.2, RFC 7591 section 3.2.2, RFC 8707 section 2, RFC 9449 section 5. The description is
public and never says more than the caller may know; the reason is for the log.
"""

from __future__ import annotations

from gateway.errors import GatepostError

STATUS = {
    "invalid_request": 400,
    "invalid_client": 401,
    "invalid_grant": 400,
    "unauthorized_client": 400,
    "unsupported_grant_type": 400,
    "unsupported_response_type": 400,
    "invalid_scope": 400,
    "invalid_target": 400,
    "invalid_token": 401,
    "insufficient_scope": 403,
    "invalid_client_metadata": 400,
    "invalid_software_statement": 400,
    "unapproved_software_statement": 400,
    "invalid_dpop_proof": 400,
    "use_dpop_nonce": 400,
    "slow_down": 429,
    "server_error": 500,
    "temporarily_unavailable": 503,
}


class OAuthError(GatepostError):
    """An OAuth request that is refused. `error` is one of the codes in `STATUS`."""

    def __init__(
        self,
        error: str,
        description: str,
        *,
        reason: str = "",
        retry_after: int | None = None,
        status: int | None = None,
        delay: float = 0.0,
        nonce: str | None = None,
        allow: str = "POST",
        scope: str = "",
        close: bool = False,
    ) -> None:
        super().__init__(reason or description)
        self.error = error
        self.description = printable(description)
        self.status = status or STATUS[error]
        self.retry_after = retry_after
        """Seconds after which it makes sense to ask again."""
        self.delay = delay
        """Seconds that the answer is held back, to slow down guessing."""
        self.allow = allow
        """With status 405: the methods that the endpoint takes."""
        self.close = close
        """Whether the connection ends with the answer: what follows on it can't be told from the body."""
        self.scope = scope
        """The scope that a bearer token needs here."""
        self.nonce = nonce
        """What the client must put into its DPoP proofs from now on (RFC 9449 section 8)."""

    @property
    def body(self) -> dict[str, str]:
        """The JSON object of RFC 6749 section 5.2."""
        return {"error": self.error, "error_description": self.description}


def printable(text: str) -> str:
    """`text` with what an error description can't hold replaced by `?`.

    RFC 6749 section 5.2: values must not include characters outside %x20-21 / %x23-5B / %x5D-7E.
    """
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in text)


def invalid_request(description: str) -> OAuthError:
    """The request is malformed, or has a parameter missing or twice."""
    return OAuthError("invalid_request", description)


def invalid_client(reason: str, delay: float = 0.0) -> OAuthError:
    """Client authentication failed. The caller never learns which half was wrong."""
    return OAuthError("invalid_client", "Client authentication failed.", reason=reason, delay=delay)

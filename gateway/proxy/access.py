"""Who calls a route, and whether the token suffices: decided here for every request, and nowhere else.

Only facts about tokens are cached, never decisions: scopes, audience, expiry and proof are checked each time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from time import perf_counter
from typing import Any, Final

from gateway.http.exchange import LOOKUP_TIMES, REFUSAL_REASON, Exchange, RequestHead
from gateway.http.route_target import request_uri
from gateway.oauth.bearer import NOTHING_PROVEN, AuthError, BearerCredentials, check_access, read_token
from gateway.oauth.confirmation import (
    KEY,
    ProofOfPossession,
    VerifiedProof,
    confirmed_members,
    missing_proof,
)
from gateway.oauth.model import TokenInfo
from gateway.proxy.request_tokens import presented_credentials
from gateway.runtime.lazy_reply import LazyReply, Recipient

Found = TokenInfo | Awaitable[TokenInfo | None] | None
"""What is known of a token, or what must be awaited for it. None: it is not valid for the route."""
FindToken = Callable[[str, frozenset[str]], Found]
"""Finds a live token of an accepted issuer (`gateway.tokens.token_validator.TokenValidator.find`)."""
VerifyProof = Callable[[ProofOfPossession, str, str], Awaitable[VerifiedProof]]
"""Verifies a DPoP proof: what the request shows, the token, the thumbprint of the key it is bound to."""
FORBIDDEN: Final = (AuthError.SCOPE, AuthError.AUDIENCE)
"""The token is valid, and does not suffice for the route."""


def authorize(
    exchange: Exchange,
    find: FindToken,
    now: float,
    verify_proof: VerifyProof | None = None,
    credentials: BearerCredentials | AuthError | None = None,
) -> AuthError | Awaitable[AuthError | None] | None:
    """Whether the request may go on; then `exchange.token` says who calls. Else why not.

    Returns an awaitable only where the token must be looked up or a proof verified. The client is known, too,
    where its valid token does not suffice for the route: the access log and its usage have it.

    Args:
        exchange: the request on its route.
        find: finds tokens.
        now: seconds since the epoch.
        verify_proof: None: no token that is bound to a DPoP key is accepted.
        credentials: those of `exchange.request`, where they have been read already.
    """
    route, token = exchange.route, exchange.token
    if not route.protected:
        # RFC 9110 section 11.6.2: a request has one Authorization. An upstream could take either of two.
        repeated = len(exchange.request.values(b"authorization")) > 1
        return AuthError.MALFORMED if repeated else None
    if token is not None:
        # A plugin has authenticated the client by other means. The route's rules hold for it all the same.
        return check_access(token, route.scopes, route.audience, now)
    if credentials is None:
        credentials = presented_credentials(exchange.request, route)
    # Asked in this way because `isinstance` takes longer where the class is an enumeration.
    if not isinstance(credentials, BearerCredentials):
        return credentials
    found = find(credentials.token, route.issuers)
    if isinstance(found, TokenInfo) and not credentials.dpop:
        return _check(exchange, found, _shown(exchange, found) if found.cnf else NOTHING_PROVEN, now)
    if found is None:
        return AuthError.INVALID
    return _wait(exchange, credentials, found, now, verify_proof)


def _wait(
    exchange: Exchange,
    credentials: BearerCredentials,
    found: TokenInfo | Awaitable[TokenInfo | None],
    now: float,
    verify_proof: VerifyProof | None,
) -> Awaitable[AuthError | None]:
    if isinstance(found, LazyReply) and not credentials.dpop:
        return AccessQuestion(exchange, found, now)
    return _authorize_later(exchange, credentials, found, now, verify_proof)


class AccessQuestion(LazyReply["AuthError | None"]):
    """Whether a request may go on whose token the store must be asked about; see `authorize`."""

    __slots__ = ("_began", "_exchange", "_now", "_recipient", "_token")

    def __init__(self, exchange: Exchange, token: LazyReply[TokenInfo | None], now: float) -> None:
        self._exchange = exchange
        self._token = token
        self._now = now
        self._began = 0.0
        self._recipient: Recipient | None = None
        """Who waits; None: nobody, or no more."""

    def ask(self, recipient: Recipient) -> None:
        """`recipient` hears of every error."""
        self._recipient = recipient
        self._began = perf_counter()
        try:
            self._token.ask(self)
        except Exception as error:
            self.set_exception(error)

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        self._take_recipient()

    def __await__(self) -> Generator[Any, Any, AuthError | None]:
        try:
            return (yield from super().__await__())
        finally:
            self.cancel()

    # What gets the token.

    def done(self) -> bool:
        """Whether nobody wants to know any more."""
        recipient = self._recipient
        return recipient is None or recipient.done()

    def set_result(self, token: TokenInfo | None) -> None:
        """The facts of the token; None: it is not valid."""
        recipient = self._take_recipient()
        if recipient is None:
            return
        if token is None:
            recipient.set_result(AuthError.INVALID)
            return
        proven = _shown(self._exchange, token) if token.cnf else NOTHING_PROVEN
        recipient.set_result(_check(self._exchange, token, proven, self._now))

    def set_exception(self, exception: BaseException) -> None:
        """Nobody can say now whether it is valid."""
        recipient = self._take_recipient()
        if recipient is not None:
            recipient.set_exception(exception)

    def _take_recipient(self) -> Recipient | None:
        """Who is to hear of the answer, once."""
        recipient, self._recipient = self._recipient, None
        if recipient is not None:
            self._exchange.state[LOOKUP_TIMES] = self._began, perf_counter()
        return recipient


async def _authorize_later(
    exchange: Exchange,
    credentials: BearerCredentials,
    found: TokenInfo | Awaitable[TokenInfo | None],
    now: float,
    verify_proof: VerifyProof | None,
) -> AuthError | None:
    if isinstance(found, TokenInfo):
        token: TokenInfo | None = found
    else:
        began = perf_counter()
        try:
            token = await found
        finally:
            exchange.state[LOOKUP_TIMES] = began, perf_counter()
    if token is None:
        return AuthError.INVALID
    proven = NOTHING_PROVEN
    if token.cnf or credentials.dpop:
        verified = await _proven(exchange, credentials, token, verify_proof)
        if isinstance(verified, AuthError):
            return verified
        proven = verified
    return _check(exchange, token, proven, now)


def _check(exchange: Exchange, token: TokenInfo, proven: Mapping[str, str], now: float) -> AuthError | None:
    route = exchange.route
    refusal = check_access(token, route.scopes, route.audience, now, proven)
    if refusal is None or refusal in FORBIDDEN:
        exchange.token = token
    elif token.cnf:
        exchange.state[REFUSAL_REASON] = missing_proof(token.cnf, proven)
    return refusal


async def _proven(
    exchange: Exchange, credentials: BearerCredentials, token: TokenInfo, verify_proof: VerifyProof | None
) -> Mapping[str, str] | AuthError:
    """What the client holds of what its token is bound to. A nonce for its next proof is added."""
    if not credentials.dpop:
        return _shown(exchange, token)
    if verify_proof is None or KEY not in token.cnf:
        # RFC 9449 section 7.1: a proof is checked against the key that the token is bound to.
        exchange.state[REFUSAL_REASON] = "it is a bearer token, and came as one that is bound to a DPoP key"
        return AuthError.INVALID
    request = exchange.request
    shown = ProofOfPossession(request.method, request_uri(exchange.route, request), request.values(b"dpop"))
    proof = await verify_proof(shown, credentials.token, token.cnf[KEY])
    if proof.nonce is not None:
        exchange.added_response_headers.append((b"DPoP-Nonce", proof.nonce.encode()))
    if proof.refusal is not None:
        exchange.state[REFUSAL_REASON] = proof.reason
        return AuthError(proof.refusal.value)
    return confirmed_members(token.cnf, exchange.request.peer.certificate, proof.jkt)


def _shown(exchange: Exchange, token: TokenInfo) -> Mapping[str, str]:
    """What the client holds without any word of its own: its certificate."""
    return confirmed_members(token.cnf, exchange.request.peer.certificate, None)


def bearer_credentials(request: RequestHead) -> BearerCredentials | AuthError:
    """The token in the request's Authorization header, or why there is none."""
    return read_token(request.values(b"authorization"))

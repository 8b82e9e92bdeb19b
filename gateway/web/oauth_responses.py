"""What the OAuth endpoints answer, as values: every way that serves them sends the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from json.encoder import encode_basestring_ascii as _string

from gateway.errors import StoreUnavailable
from gateway.http.exchange import Header, Headers, Response
from gateway.http.header_fields import render_header_lines
from gateway.http.prepared_response import PreparedResponse
from gateway.oauth.bearer import AuthError, challenge
from gateway.oauth.errors import OAuthError
from gateway.tokens.token_issuer import TokenResponse
from gateway.web.store_log import log_unavailable

_BEARER_ERRORS = {"invalid_token": AuthError.INVALID, "insufficient_scope": AuthError.SCOPE}

# RFC 6749 section 5.1: a response with a token or an error about one is never kept.
TOKEN_HEADERS: Headers = [
    (b"Content-Type", b"application/json"),
    (b"Cache-Control", b"no-store"),
    (b"Pragma", b"no-cache"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
    (b"Server", b"gatepost"),
]


def json_response(body: Mapping[str, object], status: int = 200, nonce: str | None = None) -> Response:
    """A JSON answer of an OAuth endpoint.

    `nonce` is what the client is to put into its next DPoP proof (RFC 9449 section 8).
    """
    return _answer(status, json.dumps(body).encode(), nonce)


def jwt_response(token: str, media_type: str) -> Response:
    """A JWT as the whole answer."""
    headers = [
        (name, media_type.encode() if name == b"Content-Type" else value) for name, value in TOKEN_HEADERS
    ]
    return Response(200, token.encode(), headers)


def token_response(token: TokenResponse, nonce: str | None = None) -> Response:
    """A token, as RFC 6749 section 5.1 has it."""
    return _answer(200, token_body(token), nonce)


GRANTED = PreparedResponse(200, b"HTTP/1.1 200 OK\r\n" + render_header_lines(TOKEN_HEADERS), b"")
"""The same, rendered but for the body."""


def token_body(token: TokenResponse) -> bytes:
    """The JSON of a token's `body`."""
    # A token is of base64url's characters and dots, which JSON has as they are; so is the token's type.
    text = (
        f'{{"access_token": "{token.access_token}", "scope": {_string(token.scope)}, '
        f'"token_type": "{token.token_type}", "expires_in": {token.expires_in}'
    )
    for name, value in token.beside.items():
        text += f", {_string(name)}: {_string(value)}"
    return f"{text}}}".encode()


def dpop_nonce(nonce: str) -> Header:
    """What the client is to put into its next DPoP proof (RFC 9449 section 8)."""
    return (b"DPoP-Nonce", nonce.encode())


def error_response(error: OAuthError, realm: str) -> Response:
    """An OAuth error as RFC 6749 section 5.2 has it."""
    answer = json_response(error.body, error.status, error.nonce)
    if error.error == "invalid_client" and error.status == 401:  # noqa: PLR2004 (Unauthorized)
        # RFC 9110 section 15.5.2: a 401 must have a challenge.
        answer.headers.append((b"WWW-Authenticate", f'Basic realm="{realm}"'.encode()))
    if error.error in _BEARER_ERRORS:
        # RFC 6750 section 3: a caller that has shown a token learns what is wrong with it.
        value = challenge(_BEARER_ERRORS[error.error], realm=realm, metadata="", scope=error.scope)
        answer.headers.append((b"WWW-Authenticate", value.encode()))
    if error.status == 405:  # noqa: PLR2004 (Method Not Allowed)
        # RFC 9110 section 15.5.6: it must say which methods there are.
        answer.headers.append((b"Allow", error.allow.encode()))
    if error.status == 415:  # noqa: PLR2004 (Unsupported Media Type)
        # RFC 9110 section 15.5.16: which content codings would have been accepted.
        answer.headers.append((b"Accept-Encoding", b"identity"))
    answer.close = error.close
    if error.retry_after is not None:
        answer.headers.append((b"Retry-After", b"%d" % error.retry_after))
    return answer


ISSUE, REVOKE, JUDGE, REGISTER = "issue tokens", "revoke tokens", "check tokens", "register clients"
"""What an endpoint can't do while the store refuses its commands."""


def store_unavailable(error: StoreUnavailable, doing: str) -> OAuthError:
    """The store can't be reached, or refuses the command: nobody gets anything."""
    log_unavailable(error)
    text = f"The gateway can't {doing} now." if error.answered else "The token store can't be reached."
    return OAuthError("temporarily_unavailable", text, retry_after=max(1, error.retry_after))


async def oauth_errors(
    work: Awaitable[Response],
    realm: str,
    doing: str,
    on_error: Callable[[OAuthError], None] = lambda _: None,
) -> Response:
    """Answers every error of an OAuth endpoint as OAuth clients expect it. `on_error` hears of it first."""
    try:
        return await work
    except OAuthError as error:
        on_error(error)
        if error.delay:
            await asyncio.sleep(error.delay)
        return error_response(error, realm)
    except StoreUnavailable as error:
        refusal = store_unavailable(error, doing)
        on_error(refusal)
        return error_response(refusal, realm)


def _answer(status: int, body: bytes, nonce: str | None) -> Response:
    headers = [*TOKEN_HEADERS] if nonce is None else [*TOKEN_HEADERS, dpop_nonce(nonce)]
    return Response(status, body, headers)

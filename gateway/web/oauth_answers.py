"""What the OAuth endpoints answer, as values: every way that serves them sends the same."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping
from json.encoder import encode_basestring_ascii as _string

from gateway.errors import StoreUnavailable
from gateway.exchange import Answer, Headers
from gateway.oauth.errors import OAuthError
from gateway.tokens.issuer import TokenAnswer

log = logging.getLogger("gatepost")

# RFC 6749 section 5.1: a response with a token or an error about one is never kept.
TOKEN_HEADERS: Headers = [
    (b"Content-Type", b"application/json"),
    (b"Cache-Control", b"no-store"),
    (b"Pragma", b"no-cache"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
    (b"Server", b"gatepost"),
]


def json_answer(body: Mapping[str, object], status: int = 200, nonce: str | None = None) -> Answer:
    """A JSON answer of an OAuth endpoint.

    `nonce` is what the client is to put into its next DPoP proof (RFC 9449 section 8).
    """
    return _answer(status, json.dumps(body), nonce)


def token_answer(token: TokenAnswer, nonce: str | None = None) -> Answer:
    """A token, as RFC 6749 section 5.1 has it: the JSON of its `body`."""
    text = (
        f'{{"access_token": {_string(token.access_token)}, "scope": {_string(token.scope)}, '
        f'"token_type": {_string(token.token_type)}, "expires_in": {token.expires_in}'
    )
    for name, value in token.beside.items():
        text += f", {_string(name)}: {_string(value)}"
    return _answer(200, text + "}", nonce)


def error_answer(error: OAuthError, realm: str) -> Answer:
    """An OAuth error as RFC 6749 section 5.2 has it."""
    answer = json_answer(error.body, error.status, error.nonce)
    if error.error == "invalid_client" and error.status == 401:  # noqa: PLR2004 (Unauthorized)
        # RFC 9110 section 15.5.2: a 401 must have a challenge.
        answer.headers.append((b"WWW-Authenticate", f'Basic realm="{realm}"'.encode()))
    if error.status == 405:  # noqa: PLR2004 (Method Not Allowed)
        # RFC 9110 section 15.5.6: it must say which methods there are.
        answer.headers.append((b"Allow", b"POST"))
    if error.retry_after is not None:
        answer.headers.append((b"Retry-After", b"%d" % error.retry_after))
    return answer


def away_answer(error: StoreUnavailable, realm: str) -> Answer:
    """The store can't be reached: nobody gets anything."""
    log.warning("store unavailable: %s", error.reason)
    text = "The token store can't be reached."
    return error_answer(
        OAuthError("temporarily_unavailable", text, retry_after=max(1, error.retry_after)), realm
    )


async def oauth_faults(work: Awaitable[Answer], realm: str) -> Answer:
    """Answers every error of an OAuth endpoint as OAuth clients expect it."""
    try:
        return await work
    except OAuthError as error:
        if error.delay:
            await asyncio.sleep(error.delay)
        return error_answer(error, realm)
    except StoreUnavailable as error:
        return away_answer(error, realm)


def _answer(status: int, text: str, nonce: str | None) -> Answer:
    headers = [*TOKEN_HEADERS] if nonce is None else [*TOKEN_HEADERS, (b"DPoP-Nonce", nonce.encode())]
    return Answer(status, text.encode(), headers)

"""GitHub, at which people sign in: the exchange of codes, and who has signed in by its API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.issuers.http_client import ApiClient, HttpClientError
from gateway.oauth.github import (
    GithubMisconfigured,
    api_url,
    email_domains,
    github_metadata,
    items_of,
    organizations,
    scopes_for,
    teams,
    token_of,
    user_claims,
    verified_email,
)
from gateway.oauth.oidc import ProviderRefused, SignInFlow, code_of, code_request_url

log = logging.getLogger("gatepost")

LONGEST = 15.0
"""Seconds that all requests of one sign-in may take together."""
PER_PAGE = 50
"""Items of a list that are asked for at once: a page of teams stays well under the largest response."""
MOST_PAGES = 20
_NO_TOKEN = 401
_NOT_OPEN = (403, 404)

_List = tuple[str, Callable[[Iterable[Mapping[str, Any]]], list[str]]]
_LISTS: Mapping[str, _List] = {
    "organizations": ("/user/memberships/orgs?state=active&", organizations),
    "teams": ("/user/teams?", teams),
    "email_domains": ("/user/emails?", email_domains),
}
"""Where each claim is asked for."""


class GithubProvider:
    """GitHub, or a GitHub Enterprise Server. It is asked only when somebody signs in.

    The access token is used for this, and forgotten.
    """

    def __init__(
        self,
        http: ApiClient,
        *,
        url: str,
        client: tuple[str, str],
        redirect_uri: str,
        claims: Collection[str],
        clock: Clock,
    ) -> None:
        """`client` is the app's id and secret, `claims` those of `gateway.oauth.github.SCOPES` to ask for."""
        self._http = http
        self._url = url
        self._api = api_url(url)
        self._metadata = github_metadata(url)
        self._client = client
        self._redirect_uri = redirect_uri
        self._wanted = [name for name in _LISTS if name in claims]
        self._clock = clock

    async def begin(self, flow: SignInFlow) -> str:
        """Where a browser is sent to sign in."""
        return code_request_url(
            self._metadata, self._client[0], self._redirect_uri, scopes_for(self._wanted), flow
        )

    async def finish(self, answer: Sequence[tuple[str, str]], flow: SignInFlow) -> Mapping[str, Any]:
        """The claims about who has signed in, by the answer that the browser brought back.

        Raises:
            ProviderRefused: nobody has.
            IssuerUnavailable: it can't be known now.
        """
        code = code_of(answer, flow, self._metadata, self._clock())
        try:
            async with asyncio.timeout(LONGEST):
                return await self._claims(await self._token(code, flow))
        except (HttpClientError, GithubMisconfigured, ValueError, TimeoutError) as error:
            reason = "it took too long" if isinstance(error, TimeoutError) else str(error)
            log.warning("the sign-in at %s can't be completed: %s", self._url, reason)
            raise IssuerUnavailable(reason) from error

    async def logout(self, back: str) -> str:
        """GitHub's own page to sign out. It does not lead back."""
        del back
        return f"{self._url}/logout"

    async def _token(self, code: str, flow: SignInFlow) -> str:
        form = {
            "client_id": self._client[0],
            "client_secret": self._client[1],
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": flow.verifier,
        }
        return token_of(await self._http.post(self._metadata.token_endpoint, form, None))

    async def _claims(self, token: str) -> Mapping[str, Any]:
        claims: dict[str, Any] = user_claims(await self._asked("/user", token))
        for name in self._wanted:
            path, read = _LISTS[name]
            items = await self._list(path, token)
            claims |= {name: read(items)} | (verified_email(items) if name == "email_domains" else {})
        return claims

    async def _list(self, path: str, token: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            items = items_of(await self._asked(f"{path}per_page={PER_PAGE}&page={page}", token))
            found += items
            if len(items) < PER_PAGE:
                break
        return found

    async def _asked(self, path: str, token: str) -> bytes:
        headers = {
            # RFC 6750 section 2.1
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            return await self._http.get(f"{self._api}{path}", headers)
        except HttpClientError as error:
            if error.status == _NO_TOKEN:
                raise ProviderRefused(f"the token is not taken: {error}") from error
            if error.status in _NOT_OPEN:
                raise ProviderRefused(f"{error}: the app lacks a scope or permission for it") from error
            raise

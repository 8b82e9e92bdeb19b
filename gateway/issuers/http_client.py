"""The interface of the HTTP client for issuers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.errors import GatepostError


class HttpClientError(GatepostError):
    """There was no usable response. The text is for the log.

    `status` is that of the response; 0: there was none.
    """

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class HttpClient(Protocol):
    """Sends requests with a timeout and a limit of the response size. Follows no redirects."""

    async def get(self, url: str) -> bytes:
        """The body of a 200 response. Raises HttpClientError for any other."""

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str]) -> bytes:
        """The same for a form, with a client's id and secret in HTTP Basic (RFC 6749 section 2.3.1)."""


class ApiClient(Protocol):
    """The same for an API that is asked with an access token."""

    async def get(self, url: str, headers: Mapping[str, str]) -> bytes:
        """The body of a 200 response. Raises HttpClientError for any other."""

    async def post(self, url: str, form: dict[str, str], login: None) -> bytes:
        """The same for a form, which holds whatever proves who asks."""

"""How issuers are asked: what does it is handed in."""

from __future__ import annotations

from typing import Protocol

from gateway.errors import GatepostError


class FetchFailed(GatepostError):  # noqa: N818 (it says what happened)
    """There was no usable answer. The text is for the log."""


class Fetch(Protocol):
    """Asks over HTTP, within a time and for no more than a bounded answer. Follows no redirect."""

    async def get(self, url: str) -> bytes:
        """The body of a 200 answer. Raises FetchFailed for anything else."""

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str]) -> bytes:
        """The same for a form, with a client's id and secret in HTTP Basic (RFC 6749 section 2.3.1)."""

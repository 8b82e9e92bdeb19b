"""`/.well-known/acme-challenge/…`: how an authority verifies a name by HTTP (RFC 8555 section 8.3)."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.http.problems import NO_ROUTE, Problem

PendingChallenge = Callable[[str], bytes | None]
"""The key authorization of a pending token; None: no challenge with it is pending."""


class AcmeChallenges:
    """Answers pending challenges, and nothing else."""

    def __init__(self, pending: PendingChallenge) -> None:
        self._pending = pending

    def answer(self, request: web.Request) -> web.Response | None:
        """The answer to a challenge; None: there is none pending with this token."""
        body = self._pending(request.match_info["token"]) if request.method in ("GET", "HEAD") else None
        if body is None:
            return None
        return web.Response(
            body=body, content_type="application/octet-stream", headers={"Cache-Control": "no-store"}
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Problem: 404 where no challenge with this token is pending."""
        answer = self.answer(request)
        if answer is None:
            raise Problem(NO_ROUTE)
        return answer

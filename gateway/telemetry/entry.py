"""One answered request, as it is noted for the access log."""

from __future__ import annotations

Entry = tuple[str, str, bytes, int, int, float, str, str, str]
"""The caller's address; the method; the path, never the query (people put secrets there); the status; bytes
of the answer's body; seconds; the route; the client; the request's id.

A bare tuple: one is made for each request, and nothing costs less."""

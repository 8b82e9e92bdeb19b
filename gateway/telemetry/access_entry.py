"""The access log entry of one request."""

from __future__ import annotations

from typing import NamedTuple

Entry = tuple[str, str, bytes, int, int, float, str, str, str]
"""Client address, method, path (without the query, which may contain secrets), status, response body bytes,
duration in seconds, route, client id, request id.

A plain tuple: one is created per request, and it is the cheapest to create."""

Details = tuple[tuple[str, str | float | None], ...]
"""Further fields: name and value; None: not known."""


class DetailedEntry(NamedTuple):
    """An entry with further fields: those that `logging.fields` names, or of an OAuth endpoint."""

    entry: Entry
    details: Details

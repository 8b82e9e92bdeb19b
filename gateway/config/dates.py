"""Expiry dates and timestamps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CLOCK = r"[0-9]{2}:[0-9]{2}"
TIME = re.compile(rf"{DATE.pattern}[Tt ]{CLOCK}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?([Zz]|[+-]{CLOCK})")


def parse_end(value: object) -> int:
    """Parses an expiry into seconds since the epoch.

    A timestamp needs a time zone. A date is valid through the end of that day in UTC.

    Raises:
        ValueError: it is neither a date nor a timestamp.
    """
    try:
        if isinstance(value, str) and DATE.fullmatch(value):
            day = datetime.fromisoformat(value).replace(tzinfo=UTC) + timedelta(days=1)
            return int(day.timestamp())
        if isinstance(value, str) and TIME.fullmatch(value):
            return int(datetime.fromisoformat(value.upper()).timestamp())
    except (ValueError, OverflowError):
        pass
    raise ValueError(
        "must be a date such as 2027-01-31, or a timestamp with time zone such as 2027-01-31T12:00:00Z"
    )


End = Annotated[
    int,
    BeforeValidator(parse_end),
    WithJsonSchema({"type": "string", "pattern": f"^({DATE.pattern}|{TIME.pattern})$"}),
]
"""Seconds since the epoch."""

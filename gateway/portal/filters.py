"""How values read to people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from gateway.portal.call_reasons import reason_text
from gateway.translation.languages import ENGLISH
from gateway.translation.text import gettext, gettext_noop, ngettext, spoken, translations

_TIME = Markup('<time datetime="{utc}"{attribute}>{text}</time>')
_EXACT = 0.01
"""Seconds of a call below which tenths of a millisecond are shown."""
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def moment(seconds: int) -> Markup:
    """A date and time in UTC, which the page's script turns into the reader's own time."""
    return _TIME.format(utc=_instant(seconds), attribute="", text=moment_text(seconds))


def moment_text(seconds: int) -> str:
    """The same as text, for attributes."""
    if spoken() == ENGLISH:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    clock = datetime.fromtimestamp(seconds, UTC).strftime("%H:%M UTC")
    return f"{_by_language(seconds)}, {clock}"


def day(seconds: int) -> Markup:
    """A date in UTC, which the script turns into the date where the reader is."""
    text = date_text(seconds) if spoken() == ENGLISH else _by_language(seconds)
    return _TIME.format(utc=_instant(seconds), attribute=Markup(" data-day"), text=text)


def date_text(seconds: int) -> str:
    """A date in UTC as text, for programs and files."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _by_language(seconds: int) -> str:
    """A date as the language that is spoken writes it (Unicode's CLDR)."""
    from babel.dates import format_date  # noqa: PLC0415 (of no use for English)

    locale = spoken().tag.replace("-", "_")
    return str(format_date(datetime.fromtimestamp(seconds, UTC), "medium", locale=locale))


def utc(seconds: float) -> str:
    """A moment as RFC 3339 has it, to the millisecond."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def clock_time(seconds: float) -> Markup:
    """As `moment`, to the second."""
    whole = int(seconds)
    clock = datetime.fromtimestamp(whole, UTC).strftime("%H:%M:%S UTC")
    text = f"{date_text(whole)} {clock}" if spoken() == ENGLISH else f"{_by_language(whole)}, {clock}"
    return _TIME.format(utc=_instant(whole), attribute=Markup(" data-seconds"), text=text)


def span(seconds: int) -> str:
    """A duration in its largest whole unit: 3600 is 1 hour, 5400 is 90 minutes."""
    size, unit = next((one for one in _UNITS if seconds % one[0] == 0), _UNITS[-1])
    return _counted(unit, seconds // size)


def _counted(unit: str, number: int) -> str:
    match unit:
        case "day":
            return ngettext("%(num)s day", "%(num)s days", number)
        case "hour":
            return ngettext("%(num)s hour", "%(num)s hours", number)
        case "minute":
            return ngettext("%(num)s minute", "%(num)s minutes", number)
        case _:
            return ngettext("%(num)s second", "%(num)s seconds", number)


def milliseconds(seconds: float) -> str:
    """A duration of a call: 12 ms, 1,234 ms."""
    return f"{seconds * 1000:,.{0 if seconds >= _EXACT else 1}f} ms"


def about(seconds: int) -> str:
    """A duration to read at a glance, rounded down to its largest unit: 100,000 is 1 day."""
    size = next((size for size, _ in _UNITS[:-1] if seconds >= size), 0)
    return span(seconds // size * size) if size else gettext("less than a minute")


def grant(name: str) -> str:
    """A grant's name for people: `client_credentials` is Client credentials."""
    return translations().gettext(name.rpartition(":")[2].replace("_", " ").replace("-", " ").capitalize())


GRANTS = (
    gettext_noop("Client credentials"),
    gettext_noop("Password"),
    gettext_noop("Refresh token"),
    gettext_noop("Token exchange"),
    gettext_noop("Jwt bearer"),
)
"""Grants that have names in other languages."""

FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "moment_text": moment_text,
    "clock_time": clock_time,
    "milliseconds": milliseconds,
    "call_reason": lambda call: reason_text(call.status, call.reason),
    "day": day,
    "span": span,
    "about": about,
    "grant": grant,
}

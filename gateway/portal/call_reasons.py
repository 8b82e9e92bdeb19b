"""Why a call was not answered by its API, in words."""

from __future__ import annotations

from gateway.http import problems
from gateway.http.problems import ProblemType
from gateway.translation.text import gettext, gettext_noop
from gateway.web.request_recorder import CLIENT_DISCONNECTED

_TITLES = {one.code: one.title for one in vars(problems).values() if isinstance(one, ProblemType)}
_LEFT = gettext_noop("The client left")


def reason_text(status: int, code: str) -> str:
    """Such as `900800 Too many requests`; empty where an upstream, or a plugin of the gateway, answered."""
    if code:
        return f"{code} {_TITLES.get(code, '')}".rstrip()
    return gettext(_LEFT) if status == CLIENT_DISCONNECTED else ""

"""What somebody filled in when the session had ended: kept in the browser, and there again afterwards.

It is in a cookie, sealed for one user and one page. Nothing is done with it: the form is filled in again, and
its buttons wait for a click.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web
from markupsafe import escape

from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.sealed_cookie import LONGEST, cookie_named, give_cookie, open_value, seal_value

DRAFT_PURPOSE = "portal forms of ended sessions"
DRAFT_LIFETIME = 3600
"""Seconds in which a person signs in again."""
KEPT_FIELDS = frozenset(
    {
        "address",
        "api",
        "application",
        "audience",
        "auth",
        "description",
        "ends",
        "format",
        "grace",
        "grant",
        "key_ends",
        "key_name",
        "lifetime",
        "more_scopes",
        "name",
        "note",
        "owner",
        "role",
        "scope",
        "secret_name",
        "seen",
        "team",
        "tier",
        "url",
        "user",
        "validity",
    }
)
"""What forms call their texts. Passwords, tokens, secrets and proofs are not among them."""
SEEN_VERSION = "seen"
"""The version that a form has shown: what was changed meanwhile is not overwritten by a draft either."""
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')
_VALUE = re.compile(r' value="[^"]*"')
_INPUT = re.compile(r"<input\b[^<>]*>")
_TEXTAREA = re.compile(r"(<textarea\b[^<>]*>)([^<]*)(</textarea>)")
_SELECT = re.compile(r"(<select\b[^<>]*>)(.*?)(</select>)", re.DOTALL)
_OPTION = re.compile(r"<option\b[^<>]*>")
_TYPED = frozenset({"", "text", "search", "date", "url", "email"})
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was not sent."""

    action: str
    """Where it goes to."""
    fields: Pairs


class Drafts:
    """Keeps a draft in the browser, together with who was signed in there last."""

    def __init__(self, cipher: TokenCipher, *, secure: bool) -> None:
        self._cipher = cipher
        self._secure = secure

    def person_note(self, request: web.Request, user_id: str | None = None) -> str:
        """The cookie that says who is signed in: nobody else is shown a draft of theirs. `user_id`: who is;
        without it, the note that the browser has, which may be empty.
        """
        if user_id is not None and self._person(request) != user_id:
            return seal_value(self._cipher, user_id, "person")
        return request.cookies.get(self._name("person"), "")

    def note_person(self, request: web.Request, response: web.StreamResponse, note: str) -> None:
        """Gives the browser the note, unless it has it."""
        if request.cookies.get(self._name("person"), "") != note:
            self._set(response, "person", "/portal", note, None)

    def keep(self, request: web.Request, response: web.StreamResponse, page: str, draft: Draft) -> bool:
        """Keeps a draft for its page; False where nobody was signed in, or it is too long."""
        person = self._person(request)
        fields = [pair for pair in draft.fields if pair[0] in KEPT_FIELDS]
        if person is None or not any(value for _, value in fields):
            return False
        text = json.dumps([draft.action, fields], ensure_ascii=False)
        value = seal_value(self._cipher, text, _slot(person, page))
        if len(value) > LONGEST:
            return False
        self._set(response, "draft", page, value, DRAFT_LIFETIME)
        return True

    def read(self, request: web.Request, user_id: str) -> Draft | None:
        """The draft of this user on this page; None: there is none."""
        value = request.cookies.get(self._name("draft"), "")
        text = open_value(self._cipher, value, _slot(user_id, request.path)) if value else None
        if text is None:
            return None
        action, fields = json.loads(text)
        return Draft(str(action), tuple((str(name), str(value)) for name, value in fields))

    def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Takes the page's draft from the browser."""
        self._set(response, "draft", request.path, "", 0)

    def _person(self, request: web.Request) -> str | None:
        return open_value(self._cipher, request.cookies.get(self._name("person"), ""), "person")

    def _name(self, kind: str) -> str:
        return cookie_named(kind, secure=self._secure)

    def _set(
        self, response: web.StreamResponse, kind: str, path: str, value: str, seconds: int | None
    ) -> None:
        give_cookie(response, self._name(kind), value, path=path, seconds=seconds, secure=self._secure)


def _slot(user_id: str, page: str) -> str:
    return json.dumps(["draft", user_id, page])


def refilled(html: str, draft: Draft) -> str | None:
    """A page with the draft in its form; None: it has no such form."""
    action = f'action="{escape(draft.action)}'
    place = max(html.find(f'{action}"'), html.find(f"{action}#"))
    begin, end = html.rfind("<form", 0, max(place, 0)), html.find("</form>", max(place, 0))
    if place < 0 or begin < 0 or end < 0:
        return None
    form = html[begin:end]
    for pattern, fill in ((_INPUT, _input), (_TEXTAREA, _textarea), (_SELECT, _select)):
        form = pattern.sub(_filling(fill, draft.fields), form)
    return html[:begin] + form + html[end:]


def _filling(fill: Callable[[re.Match[str], Pairs], str], fields: Pairs) -> Callable[[re.Match[str]], str]:
    return lambda found: fill(found, fields)


def _input(found: re.Match[str], fields: Pairs) -> str:
    has = _attributes(found[0])
    name, kind = has.get("name", ""), has.get("type", "")
    if name not in KEPT_FIELDS:
        return found[0]
    if kind == "checkbox":
        bare = found[0].replace(" checked", "")
        ticked = (name, has.get("value", "")) in _escaped(fields)
        return bare.replace("<input", "<input checked", 1) if ticked else bare
    value = _value(fields, name)
    if (kind not in _TYPED and name != SEEN_VERSION) or value is None:
        return found[0]
    bare = _VALUE.sub("", found[0], count=1)
    return bare.replace("<input", f'<input value="{escape(value)}"', 1)


def _textarea(found: re.Match[str], fields: Pairs) -> str:
    value = _value(fields, _attributes(found[1]).get("name", ""))
    return found[0] if value is None else f"{found[1]}{escape(value)}{found[3]}"


def _select(found: re.Match[str], fields: Pairs) -> str:
    value = _value(fields, _attributes(found[1]).get("name", ""))
    if value is None or f'value="{escape(value)}"' not in found[2]:
        return found[0]
    options = found[2].replace(" selected", "")
    wanted = f'<option value="{escape(value)}"'
    return f"{found[1]}{options.replace(wanted, f'{wanted} selected', 1)}{found[3]}"


def _attributes(tag: str) -> Mapping[str, str]:
    return {name: value or "" for name, value in _ATTRIBUTE.findall(tag)}


def _escaped(fields: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(name, str(escape(value))) for name, value in fields}


def _value(fields: Pairs, name: str) -> str | None:
    if name not in KEPT_FIELDS:
        return None
    return next((value for key, value in fields if key == name), None)


def page_of_draft(path: str, form_page: str) -> str:
    """The page that a form is on, by the path that it is sent to; `form_page`: of most."""
    own = path.endswith(("/applications/new", "/subscriptions/new", "/edit", "/owner", "/account/email"))
    return path if own else form_page


def query_of_draft(path: str, fields: Pairs) -> str:
    """What a page needs in its query to have the form; empty: nothing."""
    asked = [pair for pair in fields if pair[0] == "api"] if path.endswith("/subscriptions/new") else []
    return f"?{urlencode(asked)}" if asked else ""

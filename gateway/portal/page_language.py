"""The language of a page: which one a request gets, and its words in templates."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterable
from gettext import NullTranslations
from urllib.parse import urlencode

import jinja2
from aiohttp import web
from markupsafe import Markup, escape

from gateway.portal.services import PortalServices
from gateway.translation.catalogue import CatalogueError
from gateway.translation.languages import ENGLISH, Language, choose
from gateway.translation.text import IN_ENGLISH, gettext_noop, spoken, translations

log = logging.getLogger("gatepost")
COOKIE = "gatepost-language"
_REMEMBERED = 365 * 86_400
"""Seconds for which a browser keeps what was chosen."""
_INSIDE = re.compile(r"/portal(/[A-Za-z0-9_-]+)*/?(\?[A-Za-z0-9_.~%+=&-]*)?")
LONGEST_WAY_BACK = 2000


async def asked_language(request: web.Request, services: PortalServices) -> tuple[Language, NullTranslations]:
    """The language of a request's answer, and its words; English where those can't be read."""
    accepted = request.headers.get("Accept-Language", "")
    language = choose(services.facts.languages, request.cookies.get(COOKIE, ""), accepted)
    words = services.catalogues.known(language)
    if words is not None:
        return language, words
    try:
        return language, await asyncio.to_thread(services.catalogues.read, language)
    except (OSError, CatalogueError) as error:
        log.error("the catalogue of the language %s can't be read: %s", language.tag, error)
        return ENGLISH, IN_ENGLISH


def name_language(response: web.StreamResponse, language: Language) -> None:
    """Says in which language a page is, and what that depends on."""
    if response.content_type != "text/html":
        return
    response.headers["Content-Language"] = language.tag
    response.headers["Vary"] = "Accept-Language, Cookie"


def give_language(response: web.StreamResponse, language: Language, *, secure: bool) -> None:
    """Has the browser keep what was chosen."""
    response.set_cookie(
        COOKIE,
        language.tag,
        path="/portal",
        max_age=_REMEMBERED,
        secure=secure,
        httponly=True,
        samesite="Lax",
    )


def here(request: web.Request) -> str:
    """The page that a form leads back to, without what it says has been done."""
    query = [(name, value) for name, value in request.query.items() if name != "done"]
    return request.path + (f"?{urlencode(query)}" if query else "")


def way_back(path: str) -> str:
    """Where a form leads back to: a page of the portal."""
    return path if len(path) <= LONGEST_WAY_BACK and _INSIDE.fullmatch(path) else "/portal/"


def speak_in_templates(env: jinja2.Environment) -> None:
    """Gives templates `_()` and `{% trans %}`. What a catalogue has is text: HTML in it is inert."""
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    install = vars(env)["install_gettext_callables"]
    install(_word, _words, newstyle=True)
    env.globals |= {
        "spoken": spoken,
        "script_words": _script_words,
        "gettext_noop": gettext_noop,
        **_ELEMENTS,
    }
    env.filters["translated"] = _word_of_value


SCRIPT_WORDS = (
    gettext_noop("Copied"),
    gettext_noop("Not copied"),
    gettext_noop("Copy"),
    gettext_noop("The path must begin with one /."),
    gettext_noop("Sending …"),
    gettext_noop("The request could not be sent: %(why)s"),
    gettext_noop("The API answered with a redirect, after %(time)s ms."),
    gettext_noop("%(status)s after %(time)s ms"),
    gettext_noop("Request id: "),
    gettext_noop("Why was it refused?"),
    gettext_noop("Response headers"),
    gettext_noop("Response body"),
    gettext_noop("Paste an access token first: generate one with your application’s keys."),  # noqa: RUF001
    gettext_noop("%(parameter)s can’t be “%(value)s”."),  # noqa: RUF001
    gettext_noop("Getting a token …"),
    gettext_noop("No token: %(why)s"),
    gettext_noop("The token endpoint could not be asked: %(why)s"),
    gettext_noop("(done)"),
)
"""What `static/portal.js` says."""


def _script_words() -> str:
    """Its words in the language that is spoken, as JSON; empty where that is English."""
    spoken_words = {word: translations().gettext(word) for word in SCRIPT_WORDS}
    changed = {word: text for word, text in spoken_words.items() if text != word}
    return json.dumps(changed, ensure_ascii=False) if changed else ""


def _element(name: str, attributes: str = "") -> Callable[[object], Markup]:
    """What makes an element for a placeholder, so that messages themselves have no HTML."""
    return Markup(f"<{name}{attributes}>{{}}</{name}>").format  # noqa: S704 (names that stand below)


def _link(words: object, place: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(place, words)


def _codes(values: Iterable[str]) -> Markup:
    return Markup(", ").join(map(_element("code"), values))


_ELEMENTS: dict[str, Callable[..., Markup]] = {
    "bold": _element("b"),
    "code": _element("code"),
    "codes": _codes,
    "key": _element("code", ' class="mono break"'),
    "path_code": _element("code", ' class="break"'),
    "place": _element("span", ' class="mono break"'),
    "mono": _element("span", ' class="mono"'),
    "full": _element("span", ' class="full"'),
    "strong": _element("strong"),
    "link": _link,
}


def _word_of_value(message: str) -> str:
    """For a message that a variable holds: unlike `_()`, this takes nothing for HTML."""
    return translations().gettext(message) if message else ""


def _word(message: str) -> str:
    # Jinja takes what comes from here for HTML, as it is what stands in a template that is.
    text = translations().gettext(message)
    return text if text == message else escape(text)


def _words(singular: str, plural: str, number: int) -> str:
    text = translations().ngettext(singular, plural, number)
    return text if text in (singular, plural) else escape(text)

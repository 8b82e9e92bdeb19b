"""The page of one pair of keys, in five tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from aiohttp import web

from gateway.accounts.calls import RecentCall
from gateway.accounts.registry import has_secret
from gateway.oauth.application import Application, Environment
from gateway.oauth.model import Client
from gateway.portal import curl
from gateway.portal.first_call import FirstCall, first_call, programs
from gateway.portal.form_rules import FORMATS, WAYS, key_form_of, offered_audiences, offered_scopes
from gateway.portal.listing import listed
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.applications import the_application
from gateway.portal.versions import keys_version
from gateway.translation.text import gettext_noop

Tab = Literal["", "secrets", "calls", "settings", "danger"]
TABS: dict[Tab, str] = {
    "": gettext_noop("Quick start"),
    "secrets": gettext_noop("Secrets"),
    "calls": gettext_noop("Calls"),
    "settings": gettext_noop("Settings"),
    "danger": gettext_noop("Danger"),
}
"""The tabs, by the last segment of their path."""
_TEMPLATES: dict[Tab, str] = {
    "": "quick_start.html",
    "secrets": "secrets.html",
    "calls": "calls.html",
    "settings": "settings.html",
    "danger": "danger.html",
}
TAB_OF: dict[str, Tab] = {
    "add-secret": "secrets",
    "rotate-secret": "secrets",
    "remove-secret": "secrets",
    "add-api-key": "secrets",
    "revoke-api-key": "secrets",
    "configure": "settings",
    "revoke-token": "danger",
    "revoke-all": "danger",
    "disable": "danger",
    "enable": "danger",
    "clean-up": "danger",
}
"""Where the form of an action is; the others are on the first tab."""
_CALL_COLUMNS: dict[str, Callable[[RecentCall], Any]] = {
    "time": lambda one: one.time,
    "route": lambda one: (one.route, one.method),
    "status": lambda one: one.status,
    "duration": lambda one: one.seconds,
}
KEPT = ("secret", "api_key", "token")
"""What is shown until somebody says that it is stored."""


@dataclass(frozen=True, slots=True)
class KeyPage:
    """The keys that a request is about."""

    page_request: PageRequest
    application: Application
    environment: Environment
    client: Client | None

    @property
    def path(self) -> str:
        """Where the keys' page is."""
        return f"/portal/applications/{self.application.id}/{self.environment}"

    @property
    def keys(self) -> Client:
        """The keys. Raises PageNotFound before they are generated."""
        if self.client is None:
            raise PageNotFound
        return self.client

    def done(self, what: str, tab: Tab = "") -> web.Response:
        """Back to the keys' page, which says what has been done."""
        return redirect_to(f"{self.path}/{tab}" if tab else self.path, what)

    def show_once(
        self, kind: str, shown: Mapping[str, object], done: str, tab: Tab = "", fragment: str = ""
    ) -> web.Response:
        """On to the keys' page, which shows this until somebody says that it is stored."""
        where = f"{self.path}/{tab}" if tab else self.path
        response = redirect_to(where, done)
        response.headers["Location"] += fragment
        if self.page_request.keep(response, kind, self.path, shown):
            return response
        return self.page(tab, 200, **{kind: shown, "done": done})

    def page(self, tab: Tab = "", status: int = 200, **content: object) -> web.Response:
        """A tab of the keys' page. `content` may have a form with problems."""
        facts, client = self.page_request.services.facts, self.client
        subscribed = self.application.subscribed_scopes
        shown: dict[str, Any] = {
            "form": key_form_of(client, facts, subscribed),
            "key_uses": {},
            "problems": {},
            "ticked": client.scopes if client else (),
            "validity": "",
            "progress": None,
            "changed": False,
            **{kind: self._kept(kind) for kind in KEPT},
            **content,
        }
        return self.page_request.page(
            "generate.html" if client is None else _TEMPLATES[tab],
            status,
            application=self.application,
            environment=self.environment,
            client=client,
            base=self.path,
            tab=tab,
            key_tabs=TABS,
            seen=keys_version(client) if client else "",
            formats=FORMATS,
            ways=WAYS,
            scopes=offered_scopes(facts, client, subscribed),
            audiences=offered_audiences(facts, client),
            **(self._call(shown) if client is not None else {}),
            **shown,
        )

    def _kept(self, kind: str) -> dict[str, Any] | None:
        """What is still to be stored. What has ended since is not shown."""
        shown, client = self.page_request.kept(kind, self.path), self.client
        if shown is None or client is None:
            return None
        if kind == "secret":
            return shown if has_secret(client, str(shown["secret"])) else None
        if kind == "api_key":
            known = any(str(shown["api_key"]).startswith(one.prefix) for one in client.api_keys)
            return shown if known else None
        return shown

    def _call(self, shown: dict[str, Any]) -> dict[str, object]:
        facts, client = self.page_request.services.facts, self.keys
        call: FirstCall = first_call(facts, client)
        secret = shown["secret"]["secret"] if shown["secret"] else None
        token = shown["token"]["access_token"] if shown["token"] else None
        return {
            "call": call,
            "programs": programs(facts, client, secret, call),
            "curl_call": curl.call(facts, call.api, token) if call.api else "",
            "curl_revoke": curl.revoke(facts, client.id, secret, token, in_form=call.in_form),
        }


async def shown_keys(key_page_: KeyPage, tab: Tab = "", status: int = 200, **content: object) -> web.Response:
    """A tab of the keys' page, with what the store knows of their use. `content` is as for `KeyPage.page`."""
    client = key_page_.client
    if client is None:
        return key_page_.page(tab, status, **content)
    if tab == "":
        content["progress"] = await key_page_.page_request.progress(client.id)
    prefixes = [one.prefix for one in client.api_keys]
    if tab == "secrets" and prefixes:
        content["key_uses"] = await key_page_.page_request.services.key_uses.read(client.id, prefixes)
    if tab == "calls":
        content["key_uses"] = await key_page_.page_request.last_uses(client.id)
        services, request = key_page_.page_request.services, key_page_.page_request.request
        kept = await services.calls.last(client.id, services.facts.recent_calls)
        content["calls"] = listed(kept, request.query, _CALL_COLUMNS, f"{key_page_.path}/calls")
        content["limits"] = await key_page_.page_request.services.limits_left(client)
    return key_page_.page(tab, status, **content)


async def key_page(page_request: PageRequest) -> KeyPage:
    """The keys that the path names. Raises PageNotFound."""
    application = await the_application(page_request)
    environment = cast(Environment, page_request.request.match_info["environment"])
    client = await page_request.services.applications.client(application, environment)
    return KeyPage(page_request, application, environment, client)

"""The keys of an application, for production or for the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import web

from gateway.accounts.applications import KeysExist
from gateway.oauth.application import Application, Environment
from gateway.oauth.model import Client
from gateway.portal import curl
from gateway.portal.form_rules import (
    FORMATS,
    WAYS,
    KeyForm,
    key_form_of,
    offered_audiences,
    offered_scopes,
    read_key_form,
)
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.applications import the_application
from gateway.portal.services import Api


@dataclass(frozen=True, slots=True)
class KeyPage:
    """The keys that a request is about."""

    page_request: PageRequest
    application: Application
    environment: Environment
    client: Client | None
    more: dict[str, Any] = field(default_factory=dict)

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

    def done(self, what: str) -> web.Response:
        """Back to the keys' page, which says what has been done."""
        return redirect_to(self.path, what)

    def page(self, status: int = 200, **content: object) -> web.Response:
        """The keys' page. `content` may have a form with problems, a new secret or a new token."""
        page_request, client = self.page_request, self.client
        shown: dict[str, object] = {
            "form": key_form_of(client, page_request.services.facts),
            "secret": None,
            "api_key": None,
            "key_uses": {},
            "token": None,
            "problems": {},
            "ticked": (),
            "validity": "",
            **content,
        }
        template = "generate.html" if client is None else "keys.html"
        return page_request.page(
            template,
            status,
            application=self.application,
            environment=self.environment,
            client=client,
            base=self.path,
            formats=FORMATS,
            ways=WAYS,
            scopes=offered_scopes(page_request.services.facts, client),
            audiences=offered_audiences(page_request.services.facts, client),
            curl=self._curl(shown["secret"], shown["token"]),
            **shown,
        )

    def _curl(self, secret: object, token: Any) -> dict[str, str]:
        facts, client = visit_facts(self.page_request), self.client
        if client is None:
            return {}
        plain = secret if isinstance(secret, str) else None
        access = token.access_token if token is not None else None
        api = first_callable(facts.apis, client.scopes)
        wanted = tuple(scope for scope in (api.scopes if api else ()) if scope in client.scopes)
        in_form = client.auth == {"client_secret_post"}
        usable = [grant for grant in curl.GRANTS if grant in client.grants and grant in facts.grants]
        grant = usable[0] if usable else ""
        return {
            "token": curl.token(facts, client.id, plain, wanted, grant, in_form=in_form) if grant else "",
            "call": curl.call(facts, api, access) if api else "",
            "revoke": curl.revoke(facts, client.id, plain, access, in_form=in_form),
            "grant": grant,
        }


def visit_facts(page_request: PageRequest) -> Any:
    """What of the configuration the portal shows."""
    return page_request.services.facts


def first_callable(apis: tuple[Api, ...], scopes: tuple[str, ...]) -> Api | None:
    """An API that a token with these scopes opens, best one that needs them; None where there is none."""
    open_to = [api for api in apis if api.protected and set(api.scopes) <= set(scopes)]
    return next((api for api in open_to if api.scopes), open_to[0] if open_to else None)


async def shown_keys(key_page_: KeyPage, status: int = 200, **content: object) -> web.Response:
    """The keys' page, with the last uses of API keys. `content` is as for `KeyPage.page`."""
    client = key_page_.client
    prefixes = [] if client is None else [one.prefix for one in client.api_keys]
    uses = key_page_.page_request.services.key_uses
    read = await uses.read(client.id, prefixes) if client is not None and prefixes else {}
    return key_page_.page(status, key_uses=read, **content)


async def key_page(page_request: PageRequest) -> KeyPage:
    """The keys that the path names. Raises PageNotFound."""
    application = await the_application(page_request)
    environment = cast(Environment, page_request.request.match_info["environment"])
    client = await page_request.services.applications.client(application, environment)
    return KeyPage(page_request, application, environment, client)


async def show(page_request: PageRequest) -> web.StreamResponse:
    """The keys, or how to generate them."""
    return await shown_keys(await key_page(page_request))


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to a form: the page that the form was on."""
    return redirect_to((await key_page(page_request)).path)


async def generate(page_request: PageRequest) -> web.StreamResponse:
    """GENERATE KEYS: the secret is shown now and never again."""
    key_page_ = await key_page(page_request)
    form = read_key_form(await page_request.fields(), page_request.services.facts, page_request.user, None)
    if key_page_.client is not None:
        return key_page_.done("keys-there")
    if form.problems:
        return key_page_.page(422, form=form)
    try:
        client, secret = await page_request.services.applications.generate_keys(
            key_page_.application, key_page_.environment, form.settings
        )
    except KeysExist:
        return key_page_.done("keys-there")
    made = KeyPage(page_request, key_page_.application, key_page_.environment, client)
    return made.page(secret=secret, done="generated")


async def configure(page_request: PageRequest) -> web.StreamResponse:
    """Saves the key configuration."""
    key_page_ = await key_page(page_request)
    form: KeyForm = read_key_form(
        await page_request.fields(), page_request.services.facts, page_request.user, key_page_.keys
    )
    if form.problems:
        return await shown_keys(key_page_, 422, form=form)
    await page_request.services.applications.configure(key_page_.keys, form.settings)
    return key_page_.done("saved")


async def enable(page_request: PageRequest) -> web.StreamResponse:
    """Lets the keys get tokens again."""
    key_page_ = await key_page(page_request)
    await page_request.fields()
    await page_request.services.registry.enable(key_page_.keys.id)
    return key_page_.done("enabled")


async def disable(page_request: PageRequest) -> web.StreamResponse:
    """Refuses the keys and ends their tokens."""
    key_page_ = await key_page(page_request)
    await page_request.fields()
    await page_request.services.registry.disable(key_page_.keys.id)
    return key_page_.done("disabled")


async def clean_up(page_request: PageRequest) -> web.StreamResponse:
    """Removes the keys, once the box says that it is meant."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    if fields.raw("sure") != "yes":
        return await shown_keys(key_page_, 422, problems={"sure": "Select the checkbox to confirm."})
    await page_request.services.applications.clean_up(key_page_.application, key_page_.environment)
    return key_page_.done("cleaned-up")

"""The keys of an application, for production or for the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import web

from gateway.accounts.applications import KeysExist
from gateway.oauth.application import Application, Environment
from gateway.oauth.values import Client
from gateway.portal import curl
from gateway.portal.desk import Api
from gateway.portal.pages.applications import the_application
from gateway.portal.rules import (
    FORMATS,
    WAYS,
    KeyForm,
    key_form_of,
    offered_audiences,
    offered_scopes,
    read_key_form,
)
from gateway.portal.visit import NotThere, Visit, go


@dataclass(frozen=True, slots=True)
class Bench:
    """The keys that a request is about."""

    visit: Visit
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
        """The keys. Raises NotThere before they are generated."""
        if self.client is None:
            raise NotThere
        return self.client

    def done(self, what: str) -> web.Response:
        """Back to the keys' page, which says what has been done."""
        return go(self.path, what)

    def page(self, status: int = 200, **content: object) -> web.Response:
        """The keys' page. `content` may have a form with problems, a new secret or a new token."""
        visit, client = self.visit, self.client
        shown: dict[str, object] = {
            "form": key_form_of(client, visit.desk.facts),
            "secret": None,
            "token": None,
            "problems": {},
            "ticked": (),
            "validity": "",
            **content,
        }
        template = "generate.html" if client is None else "keys.html"
        return visit.page(
            template,
            status,
            application=self.application,
            environment=self.environment,
            client=client,
            base=self.path,
            formats=FORMATS,
            ways=WAYS,
            scopes=offered_scopes(visit.desk.facts, client),
            audiences=offered_audiences(visit.desk.facts, client),
            curl=self._curl(shown["secret"], shown["token"]),
            **shown,
        )

    def _curl(self, secret: object, token: Any) -> dict[str, str]:
        facts, client = visit_facts(self.visit), self.client
        if client is None:
            return {}
        plain = secret if isinstance(secret, str) else None
        access = token.access_token if token is not None else None
        api = first_callable(facts.apis, client.scopes)
        wanted = tuple(scope for scope in (api.scopes if api else ()) if scope in client.scopes)
        return {
            "token": curl.token(facts, client.id, plain, wanted),
            "call": curl.call(facts, api, access),
            "revoke": curl.revoke(facts, client.id, plain, access),
        }


def visit_facts(visit: Visit) -> Any:
    """What of the configuration the portal shows."""
    return visit.desk.facts


def first_callable(apis: tuple[Api, ...], scopes: tuple[str, ...]) -> Api | None:
    """An API that a token with these scopes opens, best one that needs them; None where there is none."""
    open_to = [api for api in apis if api.protected and set(api.scopes) <= set(scopes)]
    return next((api for api in open_to if api.scopes), open_to[0] if open_to else None)


async def the_bench(visit: Visit) -> Bench:
    """The keys that the path names. Raises NotThere."""
    application = await the_application(visit)
    environment = cast(Environment, visit.request.match_info["environment"])
    client = await visit.desk.applications.client(application, environment)
    return Bench(visit, application, environment, client)


async def show(visit: Visit) -> web.StreamResponse:
    """The keys, or how to generate them."""
    return (await the_bench(visit)).page()


async def back(visit: Visit) -> web.StreamResponse:
    """For who reloads the answer to a form: the page that the form was on."""
    return go((await the_bench(visit)).path)


async def generate(visit: Visit) -> web.StreamResponse:
    """GENERATE KEYS: the secret is shown now and never again."""
    bench = await the_bench(visit)
    form = read_key_form(await visit.fields(), visit.desk.facts, visit.user, None)
    if bench.client is not None:
        return bench.done("keys-there")
    if form.problems:
        return bench.page(422, form=form)
    try:
        client, secret = await visit.desk.applications.generate_keys(
            bench.application, bench.environment, form.settings
        )
    except KeysExist:
        return bench.done("keys-there")
    made = Bench(visit, bench.application, bench.environment, client)
    return made.page(secret=secret, done="generated")


async def configure(visit: Visit) -> web.StreamResponse:
    """Saves the key configuration."""
    bench = await the_bench(visit)
    form: KeyForm = read_key_form(await visit.fields(), visit.desk.facts, visit.user, bench.keys)
    if form.problems:
        return bench.page(422, form=form)
    await visit.desk.applications.configure(bench.keys, form.settings)
    return bench.done("saved")


async def enable(visit: Visit) -> web.StreamResponse:
    """Lets the keys get tokens again."""
    bench = await the_bench(visit)
    await visit.fields()
    await visit.desk.registry.enable(bench.keys.id)
    return bench.done("enabled")


async def disable(visit: Visit) -> web.StreamResponse:
    """Refuses the keys and ends their tokens."""
    bench = await the_bench(visit)
    await visit.fields()
    await visit.desk.registry.disable(bench.keys.id)
    return bench.done("disabled")


async def clean_up(visit: Visit) -> web.StreamResponse:
    """Removes the keys, once the box says that it is meant."""
    bench = await the_bench(visit)
    fields = await visit.fields()
    if fields.raw("sure") != "yes":
        return bench.page(422, problems={"sure": "Tick the box to say that you mean it."})
    await visit.desk.applications.clean_up(bench.application, bench.environment)
    return bench.done("cleaned-up")

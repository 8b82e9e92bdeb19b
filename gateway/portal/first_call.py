"""The first call of some keys: which API, by which grant, with which scopes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.oauth.model import Client
from gateway.portal.samples.programs import SampleCall, SampleToken, samples
from gateway.portal.services import Api, PortalInfo

GRANTS = ("client_credentials", "password")
"""Grants by which a program gets a token without a browser, best first."""
_TEMPLATE = re.compile(r"\{[^{}/]*\}")


@dataclass(frozen=True, slots=True)
class FirstCall:
    """What a program with these keys does first."""

    grant: str
    """Empty: no grant of the keys can be used by a program alone."""
    scopes: tuple[str, ...]
    in_form: bool
    api: Api | None
    """None: no API can be called with these keys."""

    @property
    def method(self) -> str:
        """The method of the call."""
        return method_of(self.api) if self.api else ""

    @property
    def path(self) -> str:
        """The path of the call."""
        return example_path(self.api.path) if self.api else ""


def first_call(facts: PortalInfo, client: Client) -> FirstCall:
    """The call that is shown for these keys."""
    reachable = tuple(
        one for one in facts.apis if not one.subscription or client.subscription(one.subscription) is not None
    )
    api = first_callable(reachable, client.scopes)
    scopes = tuple(scope for scope in (api.scopes if api else ()) if scope in client.scopes)
    return FirstCall(grant_of(facts, client), scopes, by_form(client), api)


def grant_of(facts: PortalInfo, client: Client) -> str:
    """The best grant by which a program with these keys gets a token by itself; empty: there is none."""
    return next((grant for grant in GRANTS if grant in client.grants and grant in facts.grants), "")


def by_form(client: Client) -> bool:
    """Whether the keys are taken as form parameters alone, not by HTTP Basic."""
    return client.auth == {"client_secret_post"}


def first_callable(apis: tuple[Api, ...], scopes: tuple[str, ...]) -> Api | None:
    """An API that a token with these scopes opens, best one to read that needs them; None: there is none."""
    open_to = [api for api in apis if api.protected and set(api.scopes) <= set(scopes)]
    return max(
        open_to,
        key=lambda api: (method_of(api) == "GET", api.host is None, bool(api.scopes)),
        default=None,
    )


def method_of(api: Api) -> str:
    """GET where the API has it."""
    return "GET" if not api.methods or "GET" in api.methods else api.methods[0]


def example_path(path: str) -> str:
    """The path of a route with something in place of its variables."""
    return _TEMPLATE.sub("1", path)


def api_url(facts: PortalInfo, host: str | None, path: str) -> str:
    """Where a program finds the API."""
    # Route paths are URL paths already.
    if host is None or "*" in host:
        return facts.public_url + path
    base = urlsplit(facts.public_url)
    port = f":{base.port}" if base.port else ""
    return f"{base.scheme}://{host}{port}{path}"


def sample_token(
    facts: PortalInfo, key: str, secret: str | None, grant: str, scopes: tuple[str, ...], *, in_form: bool
) -> SampleToken:
    """How a program gets its token."""
    form = [("grant_type", grant)]
    if scopes:
        form.append(("scope", " ".join(scopes)))
    url = facts.public_url + facts.token_path
    return SampleToken(url, key, secret, tuple(form), user=grant == "password", in_form=in_form)


def programs(facts: PortalInfo, client: Client, secret: str | None, call: FirstCall) -> dict[str, str]:
    """The first call in each language; empty where the keys can't get a token by themselves."""
    if not call.grant:
        return {}
    token = sample_token(facts, client.id, secret, call.grant, call.scopes, in_form=call.in_form)
    asked = SampleCall(call.method, api_url(facts, call.api.host, call.path)) if call.api else None
    return samples(token, asked, self_signed=facts.self_signed)

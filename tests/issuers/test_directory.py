import pytest

from gateway.errors import IssuerUnavailable
from gateway.issuers.directory import IssuerDirectory
from gateway.issuers.introspection_issuer import Endpoint, IntrospectionIssuer
from gateway.issuers.result_cache import ResultCache
from gateway.issuers.rules import IssuerRules
from gateway.oauth.model import OWN
from gateway.tokens.jwt_tokens import LookupNeeded
from tests.issuers.scripted import ScriptedFetch
from tests.services import Clock

CLOCK = Clock()


def issuer(name: str, answer: bytes | None) -> IntrospectionIssuer:
    fetch = ScriptedFetch(**({} if answer is None else {name: answer}))
    rules = IssuerRules(name, f"https://{name}.example")
    return IntrospectionIssuer(rules, Endpoint(name, "g", "s", 30), fetch, ResultCache(CLOCK), CLOCK)


ACTIVE = b'{"active": true, "client_id": "shop"}'
INACTIVE = b'{"active": false}'
BOTH = frozenset({OWN, "one", "two"})


async def test_a_token_is_only_shown_to_issuers_that_are_accepted() -> None:
    one, two = issuer("one", ACTIVE), issuer("two", ACTIVE)
    directory = IssuerDirectory([one, two])
    assert directory.resolve_now("t", None, frozenset({OWN})) is None
    facts = await directory.resolve("t", None, frozenset({OWN, "two"}))
    assert facts is not None
    assert facts.issuer == "two"
    assert one._fetch.forms == []  # type: ignore[attr-defined]  # the scripted one


async def test_what_one_route_accepts_is_no_answer_for_another() -> None:
    directory = IssuerDirectory([issuer("one", ACTIVE), issuer("two", INACTIVE)])
    await directory.resolve("t", None, BOTH)
    assert directory.cached("t", BOTH)
    assert directory.cached("t", frozenset({"two"})) is None
    assert directory.resolve_now("t", None, frozenset({"two"})) is LookupNeeded.ISSUER
    assert await directory.resolve("t", None, frozenset({"two"})) is None
    assert directory.resolve_now("t", None, frozenset({"two"})) is None


async def test_all_are_asked_until_one_knows_it() -> None:
    directory = IssuerDirectory([issuer("one", INACTIVE), issuer("two", ACTIVE)])
    facts = await directory.resolve("t", None, BOTH)
    assert facts is not None
    assert facts.issuer == "two"


async def test_one_that_is_silent_matters_only_where_no_other_knows_the_token() -> None:
    assert await IssuerDirectory([issuer("one", None), issuer("two", ACTIVE)]).resolve("t", None, BOTH)
    with pytest.raises(IssuerUnavailable):
        await IssuerDirectory([issuer("one", None), issuer("two", INACTIVE)]).resolve("t", None, BOTH)


async def test_only_accepted_issuers_are_named_where_a_token_does_not_hold() -> None:
    directory = IssuerDirectory([issuer("one", INACTIVE), issuer("two", INACTIVE)])
    await directory.resolve("t", None, BOTH)
    assert directory.why_refused("t", None, frozenset({OWN})) == ""
    only_two = directory.why_refused("t", None, frozenset({"two"}))
    assert only_two == "Refused as one of the issuer two: the issuer says that it is not active."
    assert "issuer one" in directory.why_refused("t", None, BOTH)

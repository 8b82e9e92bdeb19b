"""The client that a platform's token stands for."""

import pytest

from gateway.issuers.rules import InvalidToken
from gateway.issuers.workloads import Workloads, may_be_shown_on_routes
from gateway.oauth.model import Client
from gateway.oauth.scope import ScopeRules
from gateway.oauth.trust import ClaimRule, Trust

NOW = 1_800_000_000


def trusting(client_id: str, value: str, *, pattern: bool = False, **more: object) -> Client:
    once = bool(more.pop("once", False))
    trust = Trust("cluster", "https://gw", (ClaimRule("sub", value, pattern),), once)
    return Client(client_id, trust=(trust,), **more)  # type: ignore[arg-type]  # fields by name


def claims(subject: str) -> dict[str, object]:
    return {"sub": subject, "aud": "https://gw", "iat": NOW}


def test_the_client_is_found_by_an_exact_subject_or_a_pattern() -> None:
    workloads = Workloads([trusting("a", "shop:a"), trusting("b", "shop:b-*", pattern=True)])
    found = [workloads.find("cluster", claims(subject)) for subject in ("shop:a", "shop:b-1", "shop:ab")]
    assert [one and one.client.id for one in found] == ["a", "b", None]
    assert workloads.find("other", claims("shop:a")) is None
    assert (workloads.trusted("cluster"), workloads.trusted("other")) == (True, False)


def test_a_token_that_two_clients_trust_is_nobodys() -> None:
    workloads = Workloads([trusting("a", "shop:a"), trusting("b", "shop:*", pattern=True)])
    with pytest.raises(InvalidToken, match="a, b"):
        workloads.find("cluster", claims("shop:a"))


def test_on_a_route_it_is_worth_what_its_client_may_ask_for() -> None:
    client = trusting("a", "shop:a", scopes=("read",), audiences=("https://x",), tier="gold")
    workloads = Workloads([client], ScopeRules(("default",), "app"))
    workload = workloads.find("cluster", claims("shop:a"))
    assert workload is not None
    facts = workloads.facts(workload, claims("shop:a"), NOW + 60, NOW)
    assert (facts.client, facts.subject, facts.user, facts.issuer) == ("a", "a", None, "cluster")
    assert facts.scopes == ("app", "default", "read")
    assert facts.audience == ("https://gw", "https://x")
    assert (facts.issued, facts.expires, facts.source) == (NOW, NOW + 60, "file")


@pytest.mark.parametrize(
    "more", [{"once": True}, {"enabled": False}, {"require_mtls": True}, {"require_dpop": True}], ids=str
)
def test_not_every_token_opens_routes_itself(more: dict[str, object]) -> None:
    workload = Workloads([trusting("a", "shop:a", **more)]).find("cluster", claims("shop:a"))
    assert workload is not None
    assert not may_be_shown_on_routes(workload)

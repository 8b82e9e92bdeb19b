"""Subscriptions in the portal: asked for, decided, ended, and what callers get meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest

from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, Sheet, call
from tests.running import Running

API = "Orders & <more>"


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> str:
    document = tmp_path_factory.mktemp("subscriptions") / "orders.yaml"
    document.write_text("{openapi: 3.1.0, info: {title: O, version: '1'}, paths: {/orders: {get: {}}}}")
    docs = {"title": API, "summary": "What was ordered", "openapi": str(document)}
    orders = {"upstream": "orders", "access": "request", "docs": docs}
    return start(
        routes=[
            {
                "path": "/orders",
                "scopes": ["orders.read"],
                "plugins": [{"use": "rate_limit", "with": {"limit": 600, "per": "1m"}}],
                **orders,
            },
            {"path": "/returns", "scopes": ["returns.admin"], **orders},
            {"path": "/any", "upstream": "orders"},
        ],
        portal={
            "sign_up": True,
            "scopes": ["orders.read"],
            "tiers": ["small"],
            "users": [{"name": ADMIN, "password": PASSWORD, "admin": True}],
        },
    ).http


@pytest.fixture
def approver(site: str) -> Reader:
    one = Reader(site)
    assert one.sign_in(ADMIN, PASSWORD).status == 200
    return one


def person(site: str) -> Reader:
    one = Reader(site)
    name = f"dev-{uuid4().hex[:10]}"
    one.open("/portal/sign-up").submit("/sign-up", name=name, password="correct horse", again="correct horse")
    return one


@pytest.fixture
def dev(site: str) -> Reader:
    return person(site)


def ask(dev: Reader, path: str, note: str = "for the shop") -> Sheet:
    form = dev.open(f"/portal/subscriptions/new?api={quote(API)}&application={path.rpartition('/')[2]}")
    scopes = ("orders.read", "returns.admin")
    return form.submit("/subscriptions/new", application=path.rpartition("/")[2], scope=scopes, note=note)


def status(site: str, token: str, path: str = "/orders", wanted: int = 0) -> int:
    """What a call gets, once it gets what is wanted, as far as that is soon."""
    end = time.monotonic() + 10
    while (found := int(call(site, path, bearer=token)[0])) != wanted and wanted and time.monotonic() < end:
        pass
    return found


def test_a_developer_asks_an_administrator_approves_and_the_keys_call_the_api(
    site: str, dev: Reader, approver: Reader
) -> None:
    path, made = dev.keys(f"Shop {uuid4().hex[:6]}")
    basic = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    _, token = call(site, "/token", form, basic=basic)
    refused = call(site, "/orders", bearer=token["access_token"])
    assert (refused[0], refused[1]["code"]) == (403, "900908")
    application = path.rpartition("/")[0]
    asked = ask(dev, application)
    assert "You have asked for the subscription." in asked.words
    assert "Waiting for approval" in asked.words
    assert "Orders &amp; &lt;more&gt;" in asked.html
    listed = approver.open("/portal/subscriptions")
    assert asked.url.partition("?")[0].rpartition("/")[2] in listed.html
    decided = approver.open(asked.url).submit("/approve", note="go on", tier="small")
    assert "The subscription is approved." in decided.words
    shown = dev.open(asked.url.partition("?")[0])
    assert "Approved" in shown.words
    assert "Answer go on" in shown.words
    assert "Throttling tier small" in shown.words
    # The token from before the approval is good now, for two calls an hour: the subscription's tier.
    assert status(site, token["access_token"], wanted=200) == 200
    assert [status(site, token["access_token"]) for _ in range(2)] == [200, 429]
    # And the keys have the scopes that only an approver could give.
    both = {"grant_type": "client_credentials", "scope": "returns.admin"}
    assert call(site, "/token", both, basic=basic)[0] == 200
    # An approver ends it: the tokens with such scopes have ended, new ones don't open the API.
    ended = approver.open(asked.url).submit("/end", note="over")
    assert "The subscription has ended." in ended.words
    assert status(site, token["access_token"], wanted=401) == 401
    _, token = call(site, "/token", form, basic=basic)
    assert (status(site, token["access_token"]), status(site, token["access_token"], "/any")) == (403, 200)
    assert call(site, "/token", both, basic=basic)[1]["error"] == "invalid_scope"
    shown = dev.open(asked.url.partition("?")[0])
    assert "Answer over" in shown.words
    assert "Ask again" in shown.words
    assert "Ended" in dev.open(application).words


def test_a_developer_withdraws_and_asks_again_after_a_refusal(
    dev: Reader, approver: Reader, site: str
) -> None:
    application = dev.application(f"Shop {uuid4().hex[:6]}")
    first = ask(dev, application)
    assert "is removed" in first.submit("/withdraw").words
    second = ask(dev, application)
    path = second.url.partition("?")[0]
    # The button of the form that approves sends it to another place.
    assert f'formaction="{path[path.index("/portal") :]}/refuse"' in approver.open(path).html
    proof = dict(approver.open(path).form("/approve").fields)["proof"]
    refused = approver.open(f"{path}/refuse", urlencode({"proof": proof, "note": "why?"}).encode())
    assert "The subscription is refused." in refused.words
    assert "Refused" in dev.open("/portal/subscriptions").words
    third = ask(dev, application)
    assert "Waiting for approval" in third.words
    assert (
        "You have no application that could ask"
        in dev.open(f"/portal/subscriptions/new?api={quote(API)}").words
    )


def test_nobody_sees_or_decides_what_is_not_theirs(dev: Reader, approver: Reader, site: str) -> None:
    application = dev.application(f"Mine {uuid4().hex[:6]}")
    asked = ask(dev, application)
    path = asked.url.partition("?")[0]
    for action in ("approve", "refuse", "end"):
        own = approver.open(path).form("/approve").fields
        proof = next(value for name, value in dev.open(path).form("/withdraw").fields if name == "proof")
        assert own
        assert dev.open(f"{path}/{action}", f"proof={proof}&note=x".encode()).status == 404
    other = person(site)
    mine = other.application("Theirs")
    assert other.open(path).status == 404
    assert application.rpartition("/")[2] not in other.open("/portal/subscriptions").html
    proof = next(value for name, value in other.open(mine).form("/sign-out").fields if name == "proof")
    assert other.open(f"{path}/withdraw", f"proof={proof}".encode()).status == 404
    stolen = f"proof={proof}&api={quote(API)}&application={application.rpartition('/')[2]}"
    assert other.open("/portal/subscriptions/new", stolen.encode()).status == 422
    assert "Waiting for approval" in dev.open(path).words
    # Without the page's proof nothing happens either.
    assert approver.open(f"{path}/approve", b"note=x").status == 403
    assert approver.open(f"{path}/approve").status == 200


def test_what_can_not_be_asked_for_is_said(dev: Reader, site: str) -> None:
    application = dev.application(f"Shop {uuid4().hex[:6]}").rpartition("/")[2]
    form = dev.open(f"/portal/subscriptions/new?api={quote(API)}")
    for field, value, words in (
        ("scope", "any.other", "does not have one of these scopes"),
        ("tier", "tiny", "You may not choose this tier."),
        ("note", "n" * 513, "A note has at most 512 characters."),
    ):
        filled = {"application": application, field: value}
        refused = form.submit("/subscriptions/new", **filled)
        assert (refused.status, words in refused.words) == (422, True)
    assert dev.open("/portal/subscriptions/new?api=nothing").status == 404
    assert "Subscribe to an API" in dev.open("/portal/subscriptions/new").words
    assert "No subscriptions yet" in dev.open("/portal/subscriptions").words
    listed = dev.open("/portal/apis")
    assert "by subscription" in listed.words
    described = dev.open("/portal/apis/orders")
    assert "Applications need a subscription to call this API." in described.words
    assert f'href="/portal/subscriptions/new?api={quote(API)}"' in described.html


def test_where_no_api_needs_one_there_is_no_such_page(developer: Reader) -> None:
    assert developer.open("/portal/subscriptions").status == 404
    assert "Subscriptions" not in developer.open(developer.application()).words

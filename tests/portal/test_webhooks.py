"""An application's webhook, by page and by REST, with a receiver that verifies with the library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from gateway.notices.attempts import NoticeAttempt
from gateway.portal.webhook_outcome import outcome_words
from tests.notices.receiver import NoticeReceiver, receiving, until
from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader
from tests.running import Running

ROUTE = {"path": "/asked", "upstream": "orders", "access": "request", "docs": {"title": "Asked"}}
ORDERS = {"path": "/orders", "upstream": "orders", "scopes": ["orders.read"]}


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> str:
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    portal = {"sign_up": True, "users": users, "webhooks": True, "webhook_networks": ["127.0.0.0/8"]}
    return start(portal=portal, routes=[ROUTE, ORDERS], tokens={"key": "k" * 32}).http


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    with receiving() as one:
        yield one


def developer_of(site: str) -> Reader:
    reader, name = Reader(site), f"dev-{uuid4().hex[:10]}"
    form = reader.open("/portal/sign-up")
    assert form.submit("/sign-up", name=name, password="correct horse", again="correct horse").status == 200
    return reader


def test_without_the_switch_there_are_no_webhooks(developer: Reader, gateway: str) -> None:
    path = developer.application(f"Off {uuid4().hex[:6]}")
    assert "Webhook" not in developer.open(path).words
    assert developer.open(f"{path}/webhook").status == 404
    program = Program(gateway, token_of(developer, gateway))
    rest = f"/applications/{path.rpartition('/')[2]}/webhook"
    assert [program.ask(method, rest)[0] for method in ("GET", "DELETE")] == [404, 404]
    assert program.ask("PUT", rest, {"url": "https://hooks.example.org/"})[0] == 404


def test_a_developer_makes_tries_and_removes_a_webhook(site: str, receiver: NoticeReceiver) -> None:
    developer = developer_of(site)
    path = f"{developer.application()}/webhook"
    page = developer.open(path).submit("/save", url=receiver.url)
    receiver.secret = first = page.value("webhook-secret")
    assert first.startswith("whsec_")
    assert developer.open(path).value("webhook-secret") == first, "until it is stored"
    page = page.submit("/stored")
    assert "whsec_" not in page.html
    tested = page.submit("/test")
    assert "The test notice was taken: the receiver answered 200." in tested.words
    assert receiver.types == ["webhook.test"]
    again = page.submit("/test")
    assert (again.status, "Wait ten seconds." in again.words) == (422, True)
    renewed = page.submit("/new-secret")
    assert renewed.value("webhook-secret") not in ("", first)
    activity = path.replace("/webhook", "/activity")
    until(lambda: receiver.url in developer.open(activity).html)
    assert "sealed" not in developer.open(activity).html
    removed = renewed.submit("/remove")
    assert "The webhook is removed." in removed.words
    assert "/webhook/test" not in removed.html
    assert developer.open(f"{path}/test").url.endswith("/webhook"), "who reloads gets the page"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "ftp://hooks.example.org/",
        "http://hooks.example.org@10.0.0.1/",
        "http://8.8.8.8/",
        "https://10.0.0.1/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/latest",
        "https://h.example/" + "x" * 2048,
    ],
)
def test_a_url_that_may_not_be_is_refused(site: str, url: str) -> None:
    page = _refusing(site)
    refused = page.open(page.base_path).submit("/save", url=url)
    assert (refused.status, "Fill in an https URL" in refused.words) == (422, True)


class _Refusing(Reader):
    base_path = ""


_ONE: dict[str, _Refusing] = {}


def _refusing(site: str) -> _Refusing:
    """One developer for all of these."""
    if site not in _ONE:
        reader = _Refusing(site)
        form = reader.open("/portal/sign-up")
        form.submit("/sign-up", name="refused", password="correct horse", again="correct horse")
        reader.base_path = f"{reader.application()}/webhook"
        _ONE[site] = reader
    return _ONE[site]


def test_webhooks_of_others_do_not_exist_and_forms_of_others_do_nothing(
    site: str, receiver: NoticeReceiver
) -> None:
    developer, other = developer_of(site), developer_of(site)
    path = f"{developer.application()}/webhook"
    developer.open(path).submit("/save", url=receiver.url)
    assert other.open(path).status == 404
    for action in ("save", "test", "new-secret", "remove", "stored"):
        assert other.open(f"{path}/{action}", b"proof=x").status == 404
        assert developer.open(f"{path}/{action}", b"url=https://a.example/").status == 403
    program = Program(site, token_of(other, site))
    rest = f"/applications/{path.split('/')[-2]}/webhook"
    assert [program.ask(method, rest)[0] for method in ("GET", "DELETE")] == [404, 404]
    assert program.ask("PUT", rest, {"url": receiver.url})[0] == 404
    assert [program.ask("POST", f"{rest}/{one}")[0] for one in ("test", "regenerate-secret")] == [404, 404]
    assert receiver.url in developer.open(path).html
    assert receiver.ids == []


def test_a_program_has_the_events_of_its_application_told(site: str, receiver: NoticeReceiver) -> None:
    program = Program(site, token_of(developer_of(site), site))
    _, made = program.ask("POST", "/applications", {"name": "Shop"})
    _, quiet = program.ask("POST", "/applications", {"name": "Quiet"})
    rest = f"/applications/{made['applicationId']}/webhook"
    assert program.ask("GET", rest)[0] == 404
    assert program.ask("PUT", rest, {"url": "https://10.0.0.1/"})[0] == 400
    assert program.ask("PUT", rest, {"url": receiver.url, "secret": "mine"})[0] == 400
    assert program.ask("PUT", rest, {"url": receiver.url}, **{"If-Match": '"none"'})[0] == 412
    status, webhook = program.ask("PUT", rest, {"url": receiver.url})
    assert (status, webhook["status"]) == (200, "ACTIVE")
    receiver.secret, version = webhook["secret"], program.headers["ETag"]
    status, shown = program.ask("GET", rest)
    assert (status, "secret" in shown, shown["url"]) == (200, False, receiver.url)
    for application in (quiet, made):
        wish = {"applicationId": application["applicationId"], "apiId": "Asked"}
        assert program.ask("POST", "/subscriptions", wish)[0] == 201
    receiver.await_types("subscription.requested")
    assert [one["application"] for one in receiver.of("subscription.requested")] == [made["applicationId"]]
    receiver.status = 302
    status, outcome = program.ask("POST", f"{rest}/test")
    assert (status, outcome["delivered"], outcome["status"]) == (200, False, 302)
    assert program.ask("POST", f"{rest}/test")[0] == 409
    status, renewed = program.ask("POST", f"{rest}/regenerate-secret", **{"If-Match": version})
    assert (status, renewed["secret"] != receiver.secret) == (200, True)
    assert program.ask("DELETE", rest, **{"If-Match": version})[0] == 412
    assert program.ask("DELETE", rest)[0] == 204
    assert program.ask("POST", f"{rest}/test")[0] == 404


def test_a_new_owner_does_not_get_the_webhook(site: str, receiver: NoticeReceiver) -> None:
    developer, admin = developer_of(site), Reader(site)
    admin.sign_in(ADMIN, PASSWORD)
    path = developer.application()
    developer.open(f"{path}/webhook").submit("/save", url=receiver.url)
    assert receiver.url in admin.open(f"{path}/webhook").html
    admin.open(f"{path}/owner").submit("/owner", owner=ADMIN)
    assert receiver.url not in admin.open(f"{path}/webhook").html


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (NoticeAttempt(500), "The receiver did not take it: it answered 500."),
        (NoticeAttempt(0, "no answer in time"), "The receiver did not answer in time."),
        (NoticeAttempt(0, "ClientConnectorCertificateError"), "The receiver has no valid certificate."),
        (NoticeAttempt(0, "ClientConnectorError"), "The receiver could not be reached."),
        (NoticeAttempt(0, "RefusedAddress"), "The receiver could not be reached."),
    ],
)
def test_an_outcome_tells_nothing_of_the_network(attempt: NoticeAttempt, words: str) -> None:
    assert outcome_words(attempt) == words

"""Whether a token suffices for a route: the one place that decides it."""

import asyncio
from dataclasses import replace

import pytest

from gateway.http.exchange import LOOKUP_TIMES, Exchange
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.oauth.model import TokenInfo
from gateway.proxy.access import AccessQuestion, FindToken, authorize
from gateway.proxy.pipeline import settled
from gateway.runtime.lazy_reply import LazyReply, Recipient
from tests.proxy.routing import request, route

FACTS = TokenInfo("demo", ("a",), (), "demo", 0, 100, "client_credentials")


def an_exchange() -> Exchange:
    return Exchange(
        request("/orders/7?x", "GET", "localhost", (b"Authorization", b"Bearer t")),
        route("/orders", scopes=frozenset({"a"}), strip=1),
        "id-1",
    )


def cached(token: str, accepted: frozenset[str]) -> TokenInfo | None:
    return FACTS if token == "t" else None


async def stored(token: str, accepted: frozenset[str]) -> TokenInfo | None:
    await asyncio.sleep(0)
    return cached(token, accepted)


class StoreQuestion(LazyReply["TokenInfo | None"]):
    """What is known of a token is told at once, or when `answer` is called."""

    def __init__(self, token: str, *, later: bool = False) -> None:
        self._token = token
        self._later = later
        self.recipient: Recipient | None = None

    def ask(self, recipient: Recipient) -> None:
        self.recipient = recipient
        if not self._later:
            self.answer()

    def answer(self, error: Exception | None = None) -> None:
        recipient = self.recipient
        assert recipient is not None
        if recipient.done():
            return
        if error is None:
            recipient.set_result(cached(self._token, frozenset()))
        else:
            recipient.set_exception(error)


def asked(token: str, accepted: frozenset[str]) -> LazyReply[TokenInfo | None]:
    return StoreQuestion(token)


FINDERS = pytest.mark.parametrize("find", [cached, stored, asked])


@FINDERS
async def test_the_client_of_an_admitted_request_is_known_from_then_on(find: FindToken) -> None:
    exchange = an_exchange()
    assert await settled(authorize(exchange, find, 99.0)) is None
    assert exchange.token == FACTS


async def test_an_expired_token_of_another_issuer_is_refused() -> None:
    exchange, foreign = an_exchange(), replace(FACTS, issuer="corp")
    assert await settled(authorize(exchange, lambda *_: foreign, 100.0)) is AuthError.INVALID
    assert exchange.token is None


@FINDERS
async def test_an_own_token_is_not_judged_by_the_clock(find: FindToken) -> None:
    """The store says when it ends."""
    assert await settled(authorize(an_exchange(), find, 100.0)) is None


def test_no_token_is_looked_for_on_an_open_route() -> None:
    def never(token: str, accepted: frozenset[str]) -> TokenInfo | None:
        raise AssertionError

    exchange = Exchange(request("/"), route("/", protected=False), "id-1")
    assert authorize(exchange, never, 0.0) is None


def test_a_token_that_is_known_takes_no_waiting() -> None:
    exchange = an_exchange()
    assert authorize(exchange, cached, 99.0) is None
    assert exchange.token is FACTS
    assert authorize(an_exchange(), lambda *_: None, 99.0) is AuthError.INVALID


def test_credentials_that_were_read_before_are_not_read_again() -> None:
    credentials = BearerCredentials("other", dpop=False)
    assert authorize(an_exchange(), cached, 99.0, None, credentials) is AuthError.INVALID
    assert authorize(an_exchange(), cached, 99.0, None, AuthError.MALFORMED) is AuthError.MALFORMED


@FINDERS
async def test_a_dpop_token_is_refused_where_no_proof_can_be_verified(find: FindToken) -> None:
    exchange = an_exchange()
    credentials = BearerCredentials("t", dpop=True)
    assert await settled(authorize(exchange, find, 99.0, None, credentials)) is AuthError.INVALID
    assert exchange.token is None


def test_a_client_that_a_plugin_has_authenticated_needs_the_route_s_scopes_all_the_same() -> None:
    exchange = an_exchange()
    exchange.token = TokenInfo("demo", (), (), "demo", 0, 100, "client_credentials")
    assert authorize(exchange, cached, 99.0) is AuthError.SCOPE


class Told:
    """Who is told whether the request may go on."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def done(self) -> bool:
        return False

    def set_result(self, result: object) -> None:
        self.heard.append(result)

    def set_exception(self, exception: BaseException) -> None:
        self.heard.append(exception)


def question_of(exchange: Exchange, question: StoreQuestion) -> AccessQuestion:
    waiting = authorize(exchange, lambda *_: question, 99.0)
    assert isinstance(waiting, AccessQuestion)
    return waiting


@pytest.mark.parametrize(("token", "refusal"), [("t", None), ("x", AuthError.INVALID)])
def test_who_needs_no_coroutine_is_told_once_the_store_has_answered(
    token: str, refusal: AuthError | None
) -> None:
    exchange, question, told = an_exchange(), StoreQuestion(token, later=True), Told()
    question_of(exchange, question).ask(told)
    assert told.heard == []
    question.answer()
    assert told.heard == [refusal]
    assert exchange.token == (FACTS if refusal is None else None)
    began, ended = exchange.state[LOOKUP_TIMES]
    assert began <= ended


def test_who_needs_no_coroutine_is_told_that_the_store_did_not_answer() -> None:
    exchange, question, told, error = an_exchange(), StoreQuestion("t", later=True), Told(), ValueError()
    question_of(exchange, question).ask(told)
    question.answer(error)
    assert told.heard == [error]
    assert exchange.token is None
    assert LOOKUP_TIMES in exchange.state


def test_who_needs_no_coroutine_is_told_that_the_store_can_not_be_asked() -> None:
    error, told = ValueError(), Told()

    class Away(StoreQuestion):
        def ask(self, recipient: Recipient) -> None:
            raise error

    question_of(an_exchange(), Away("t")).ask(told)
    assert told.heard == [error]


def test_who_has_given_up_is_told_nothing() -> None:
    exchange, question, told = an_exchange(), StoreQuestion("t", later=True), Told()
    access = question_of(exchange, question)
    access.ask(told)
    access.cancel()
    question.answer()
    assert told.heard == []
    assert exchange.token is None
    assert LOOKUP_TIMES in exchange.state


async def test_a_task_that_no_longer_waits_has_noted_how_long_it_did() -> None:
    exchange, question = an_exchange(), StoreQuestion("t", later=True)

    async def wait() -> None:
        await question_of(exchange, question)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    question.answer()
    assert exchange.token is None
    assert LOOKUP_TIMES in exchange.state

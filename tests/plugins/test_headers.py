import pytest
from pydantic import ValidationError

from plugins.headers import HeaderRules
from tests.plugins.exchanges import answered, forwarded, made


def test_what_goes_upstream_is_changed() -> None:
    rules = {"remove": ["X-Old"], "set": {"X-Mode": "new"}, "add": {"Accept-Language": "de"}}
    sent = forwarded_headers(
        made(HeaderRules, request=rules),
        (b"x-old", b"1"),
        (b"X-Mode", b"a"),
        (b"x-mode", b"b"),
        (b"Accept-Language", b"en"),
        (b"X-Kept", b"k"),
    )
    assert (b"x-old", b"1") not in sent
    assert [value for name, value in sent if name.lower() == b"x-mode"] == [b"new"]
    assert [value for name, value in sent if name == b"Accept-Language"] == [b"en", b"de"]
    assert (b"X-Kept", b"k") in sent


def forwarded_headers(plugin: HeaderRules, *headers: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    forward = forwarded(plugin, *headers).forward
    assert forward is not None
    return forward.headers


def test_what_comes_back_is_changed() -> None:
    rules = {"remove": ["Server"], "set": {"Cache-Control": "no-store"}, "add": {"Set-Cookie": "a=b"}}
    got = answered((b"server", b"x"), (b"Cache-Control", b"public"), (b"Set-Cookie", b"c=d"))
    made(HeaderRules, response=rules).on_response(got)
    assert got.response is not None
    assert got.response.headers == [
        (b"Set-Cookie", b"c=d"),
        (b"Cache-Control", b"no-store"),
        (b"Set-Cookie", b"a=b"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "X-Client-Id",
        "x_client_id",
        "X-Authenticated-UserId",
        "X-Forwarded-For",
        "Forwarded",
        "X.Request.Id",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "TE",
        "Host",
        "Via",
        "Trailer",
        "a b",
        "",
    ],
)
@pytest.mark.parametrize("way", ["remove", "set", "add"])
def test_identity_and_framing_can_not_be_touched(name: str, way: str) -> None:
    with pytest.raises(ValidationError):
        made(HeaderRules, request={way: [name] if way == "remove" else {name: "x"}})


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"])
def test_nor_can_the_framing_of_answers(name: str) -> None:
    with pytest.raises(ValidationError):
        made(HeaderRules, response={"set": {name: "1"}})


@pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\nb", " a", "a ", "ü", "\0"])
def test_a_value_that_can_not_be_sent_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        made(HeaderRules, response={"set": {"X-A": value}})


def test_one_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        made(HeaderRules)


def test_what_it_takes_out_of_answers_other_plugins_may_have_put_in() -> None:
    assert made(HeaderRules, response={"add": {"X-A": "1"}}).head_only == ("on_forward", "on_response")
    for rules in ({"remove": ["X-A"]}, {"set": {"X-A": "1"}, "add": {"X-B": "1"}}):
        assert made(HeaderRules, response=rules).head_only == ("on_forward",)


def test_it_asks_for_nothing_that_it_leaves_as_it_is() -> None:
    assert made(HeaderRules, request={"add": {"X-A": "1"}}).idle == ("on_response",)
    assert made(HeaderRules, response={"remove": ["Server"]}).idle == ("on_forward",)
    assert made(HeaderRules, request={"set": {"X-A": "1"}}, response={"add": {"X-A": "1"}}).idle == ()

import pytest
from pydantic import ValidationError

from plugins.cors import Cors
from tests.plugins.exchanges import answered, exchange, made

APP = "https://app.example.org"
ORIGIN = (b"Origin", APP.encode())

ALWAYS_EXPOSED = "WWW-Authenticate, DPoP-Nonce, Retry-After"


def values_of(headers: list[tuple[bytes, bytes]], name: str) -> list[str]:
    return [value.decode() for key, value in headers if key.lower() == name.lower().encode()]


def test_a_preflight_of_a_known_origin_is_told_what_its_pages_may_do() -> None:
    plugin = made(Cors, origins=[APP], credentials=True, headers=["X-A"], methods=["PUT"], max_age="1m")
    answer = plugin.on_preflight(exchange("/orders", ORIGIN, method="OPTIONS"))
    assert answer.status == 204
    assert values_of(answer.headers, "Access-Control-Allow-Origin") == [APP]
    assert values_of(answer.headers, "Access-Control-Allow-Credentials") == ["true"]
    assert values_of(answer.headers, "Access-Control-Allow-Methods") == ["PUT"]
    assert values_of(answer.headers, "Access-Control-Allow-Headers") == ["X-A"]
    assert values_of(answer.headers, "Access-Control-Max-Age") == ["60"]
    assert "Origin" in values_of(answer.headers, "Vary")[0]


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"https://app.example.org.evil.example",
        b"https://app.example.org:444",
        b"null",
        b"http://app.example.org",
        b"HTTPS://APP.EXAMPLE.ORG",
        b"",
    ],
)
def test_another_origin_is_never_reflected(origin: bytes) -> None:
    plugin = made(Cors, origins=[APP], credentials=True, expose=["X-A"])
    answer = plugin.on_preflight(exchange("/orders", (b"Origin", origin), method="OPTIONS"))
    assert [name for name, _ in answer.headers] == [b"Vary"]
    sent = exchange("/orders", (b"Origin", origin))
    plugin.on_request(sent)
    assert sent.added_response_headers == [(b"Vary", b"Origin")]


def test_answers_say_who_may_read_them() -> None:
    sent = exchange("/orders", ORIGIN)
    made(Cors, origins=[APP, "https://b.example"], expose=["X-A", "X-B"]).on_request(sent)
    assert sent.added_response_headers == [
        (b"Vary", b"Origin"),
        (b"Access-Control-Allow-Origin", APP.encode()),
        (b"Access-Control-Expose-Headers", b"WWW-Authenticate, DPoP-Nonce, Retry-After, X-A, X-B"),
    ]


def test_a_page_can_always_read_the_challenge() -> None:
    sent = exchange("/orders", ORIGIN)
    made(Cors, origins=[APP], expose=["www-authenticate"]).on_request(sent)
    assert values_of(sent.added_response_headers, "Access-Control-Expose-Headers") == [ALWAYS_EXPOSED]


def test_one_label_may_stand_for_a_wildcard() -> None:
    plugin = made(Cors, origins=["https://*.example.org"], credentials=True)
    sent = exchange("/orders", ORIGIN)
    plugin.on_request(sent)
    assert values_of(sent.added_response_headers, "Access-Control-Allow-Origin") == [APP]
    assert values_of(sent.added_response_headers, "Access-Control-Allow-Credentials") == ["true"]
    assert plugin.allows_origin(APP.encode())
    for origin in (b"https://evilexample.org", b"https://a.b.example.org", b"https://example.org"):
        other = exchange("/orders", (b"Origin", origin))
        plugin.on_request(other)
        assert other.added_response_headers == [(b"Vary", b"Origin")]
        assert not plugin.allows_origin(origin)


def test_all_origins_are_no_listed_one() -> None:
    assert not made(Cors, origins=["*"]).allows_origin(APP.encode())


def test_everybody_is_the_same_to_every_cache() -> None:
    sent = exchange("/orders")
    plugin = made(Cors, origins=["*"])
    plugin.on_request(sent)
    assert sent.added_response_headers == [
        (b"Access-Control-Allow-Origin", b"*"),
        (b"Access-Control-Expose-Headers", ALWAYS_EXPOSED.encode()),
    ]
    answer = plugin.on_preflight(exchange("/orders", (b"Origin", b"https://any.example"), method="OPTIONS"))
    assert values_of(answer.headers, "Access-Control-Allow-Origin") == ["*"]
    assert values_of(answer.headers, "Access-Control-Allow-Credentials") == []
    assert values_of(answer.headers, "Access-Control-Allow-Methods")


def test_what_the_upstream_says_of_it_gives_way() -> None:
    plugin = made(Cors, origins=[APP])
    got = answered((b"access-control-allow-origin", b"*"), (b"X-A", b"1"), sent=exchange("/orders", ORIGIN))
    plugin.on_response(got)
    assert got.response is not None
    assert got.response.headers == [(b"X-A", b"1")]
    assert plugin.head_only == ("on_response",), "before the gateway adds its own"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"origins": []},
        {"origins": ["*"], "credentials": True},
        {"origins": ["*", APP]},
        {"origins": [APP + "/"]},
        {"origins": ["https://App.example.org"]},
        {"origins": ["https://*.org"]},
        {"origins": ["https://*.*.example.org"]},
        {"origins": ["https://a*.example.org"]},
        {"origins": ["https://*example.org"]},
        {"origins": ["https://a.*.example.org"]},
        {"origins": ["https://*.192.0.2.1:x"]},
        {"origins": ["null"]},
        {"origins": [APP], "methods": ["GET, PUT"]},
        {"origins": [APP], "headers": ["X-A\r\nEvil: 1"]},
    ],
)
def test_what_would_be_unsafe_or_mean_nothing_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        made(Cors, **config)

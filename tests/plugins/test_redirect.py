import dataclasses

import pytest
from pydantic import ValidationError

from gateway.http.exchange import Exchange, Response
from gateway.http.problems import Problem
from plugins.redirect import Redirect
from tests.plugins.exchanges import exchange, made


def location(asked: str, **config: object) -> tuple[int, str]:
    answer = made(Redirect, **config).on_request(exchange(asked))
    return answer.status, dict(answer.headers)[b"Location"].decode()


def test_it_leads_where_the_configuration_says() -> None:
    assert location("/orders/7", to="https://example.org/{rest...}") == (308, "https://example.org/orders/7")
    assert location("/orders/7?a=b", path="/orders/{id}", to="/v2/{id}", status=302) == (302, "/v2/7?a=b")
    assert location("/orders/7?a=b", to="/new", query=False) == (308, "/new")
    assert location("/orders", to="https://example.org") == (308, "https://example.org/")


def test_a_path_of_another_form_is_not_found() -> None:
    with pytest.raises(Problem) as caught:
        location("/orders/7/items", path="/orders/{id}", to="/v2/{id}")
    assert caught.value.kind.status == 404


@pytest.mark.parametrize(
    "config",
    [
        {"to": "//evil.example"},
        {"to": "https://{rest...}"},
        {"to": "https://{host}/x"},
        {"to": "https://user@example.org/"},
        {"to": "javascript:alert(1)"},
        {"to": "https://example.org/?q={rest...}"},
        {"to": "https://example.org\\.evil/"},
        {"to": "/{rest...}"},
        {"to": "/{other}"},
        {"to": "/a", "status": 200},
        {"to": ""},
    ],
)
def test_a_place_that_a_request_could_choose_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        made(Redirect, **config)


@pytest.mark.parametrize("path", ["/evil.example", "/https:evil.example", "/@evil.example", "/.evil"])
def test_no_path_leads_to_another_host(path: str) -> None:
    _, to_path = location(path, path="/{rest...}", to="/x/{rest...}")
    _, to_url = location(path, to="https://example.org/{rest...}")
    assert to_path.startswith("/x/")
    assert to_url.startswith("https://example.org/")


def by(scheme: str, target: str = "/orders/7?a=b%2F", host: str = "api.example.org:8280") -> Exchange:
    """A request that came by `scheme`."""
    asked = exchange(target)
    peer = dataclasses.replace(asked.request.peer, scheme=scheme)
    asked.request = dataclasses.replace(asked.request, host=host, peer=peer)
    return asked


def redirected(answer: Response | None) -> str | None:
    return None if answer is None else dict(answer.headers)[b"Location"].decode()


@pytest.mark.parametrize(
    ("config", "host", "location"),
    [
        ({}, "api.example.org", "https://api.example.org/orders/7?a=b%2F"),
        ({}, "api.example.org:8280", "https://api.example.org/orders/7?a=b%2F"),
        ({"port": 8243}, "api.example.org:8280", "https://api.example.org:8243/orders/7?a=b%2F"),
        ({}, "[2001:db8::1]:8280", "https://[2001:db8::1]/orders/7?a=b%2F"),
        ({}, "[2001:db8::1]", "https://[2001:db8::1]/orders/7?a=b%2F"),
    ],
)
def test_to_https_is_the_same_url(config: dict[str, object], host: str, location: str) -> None:
    plugin = made(Redirect, to="https", **config)
    assert redirected(plugin.on_request(by("http", host=host))) == location
    assert plugin.on_request(by("https", host=host)) is None


def test_to_https_goes_by_what_a_trusted_proxy_says() -> None:
    asked = by("http")
    peer = dataclasses.replace(asked.request.peer, forwarded_host=b"public.example:80")
    asked.request = dataclasses.replace(asked.request, peer=peer)
    answer = made(Redirect, to="https").on_request(asked)
    assert redirected(answer) == "https://public.example/orders/7?a=b%2F"


def test_to_https_needs_a_host() -> None:
    with pytest.raises(Problem) as caught:
        made(Redirect, to="https").on_request(by("http", host=""))
    assert caught.value.kind.status == 400


def test_any_redirect_can_be_for_one_scheme_alone() -> None:
    plugin = made(Redirect, to="https://new.example/{rest...}", scheme="http", query=False)
    assert redirected(plugin.on_request(by("http"))) == "https://new.example/orders/7"
    assert plugin.on_request(by("https")) is None


@pytest.mark.parametrize(
    "config",
    [
        {"to": "https", "scheme": "https"},
        {"to": "https", "path": "/a"},
        {"to": "https", "query": False},
        {"to": "/new", "port": 8243},
        {"to": "https", "port": 0},
        {"to": "http"},
    ],
)
def test_options_that_mean_nothing_with_the_target_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        made(Redirect, **config)

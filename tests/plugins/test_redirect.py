import pytest
from pydantic import ValidationError

from gateway.faults import Fault
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
    with pytest.raises(Fault) as caught:
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

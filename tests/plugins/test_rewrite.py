import pytest
from pydantic import ValidationError

from gateway.http.problems import Problem
from plugins.rewrite import Rewrite
from tests.plugins.exchanges import exchange, forwarded, made

TEMPLATES = {"path": "/orders/{id}/items", "to": "/v2/items/{id}"}


def test_the_path_that_goes_upstream_is_another() -> None:
    sent = forwarded(made(Rewrite, **TEMPLATES), path="/orders/a%20b/items?x=%2F..", strip=1)
    assert sent.forward is not None
    assert sent.forward.target == b"/v2/items/a%20b?x=%2F.."


def test_the_upstreams_own_path_stays_in_front() -> None:
    sent = forwarded(made(Rewrite, **TEMPLATES), path="/orders/7/items", base_path=b"/base")
    assert sent.forward is not None
    assert sent.forward.target == b"/base/v2/items/7"


def test_paths_of_another_form_go_on_as_they_are_or_nowhere() -> None:
    sent = forwarded(made(Rewrite, **TEMPLATES), path="/orders/7")
    assert sent.forward is not None
    assert sent.forward.target == b"/orders/7"
    with pytest.raises(Problem) as caught:
        forwarded(made(Rewrite, **TEMPLATES, others=False), path="/orders/7")
    assert caught.value.kind.status == 404


@pytest.mark.parametrize(
    ("path", "to"),
    [("/a/{x}", "/b/{y}"), ("/a", "/../b"), ("/a/{x...}", "/b/{x}/c"), ("/a/{x...}", "/b/{x}"), ("a", "/b")],
)
def test_templates_that_do_not_go_together_are_refused(path: str, to: str) -> None:
    with pytest.raises(ValidationError):
        made(Rewrite, path=path, to=to)


def test_a_request_without_a_forwarded_head_is_let_be() -> None:
    made(Rewrite, **TEMPLATES).on_forward(exchange("/orders/7/items"))


@pytest.mark.parametrize(
    ("asked", "to", "upstream", "client"),
    [
        # Read backwards.
        ("/orders/7/items", "/v2/items/{id}", "/v2/items/8", "/orders/8/items"),
        # Not a path of this template: others may know.
        ("/orders/7/items", "/v2/items/{id}", "/login", None),
        ("/elsewhere", "/v2/items/{id}", "/v2/items/8", None),
        # The name that the upstream does not see is that of the request.
        ("/orders/7/items", "/items", "/items", "/orders/7/items"),
        # Under the literal beginning of the client's template already.
        ("/orders/7/items", "/v2/items/{id}", "/orders/9/items", "/orders/9/items"),
        # The upstream's template is the deeper one.
        ("/orders/7/items", "/orders/v2/{id}", "/orders/v2/8", "/orders/8/items"),
    ],
)
def test_the_way_back_for_redirects(asked: str, to: str, upstream: str, client: str | None) -> None:
    plugin = made(Rewrite, path="/orders/{id}/items", to=to)
    found = plugin.client_path(upstream.encode(), exchange(path=asked).request)
    assert found == (None if client is None else client.encode())


def test_the_way_back_of_a_whole_tree() -> None:
    plugin = made(Rewrite, path="/shop/{rest...}", to="/{rest...}")
    asked = exchange(path="/shop/a").request
    assert plugin.client_path(b"/", asked) == b"/shop"
    assert plugin.client_path(b"/login/", asked) == b"/shop/login/"
    assert plugin.client_path(b"/shop/x", asked) == b"/shop/x"

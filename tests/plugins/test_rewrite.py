import pytest
from pydantic import ValidationError

from gateway.faults import Fault
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
    with pytest.raises(Fault) as caught:
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

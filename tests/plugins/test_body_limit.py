import pytest
from pydantic import ValidationError

from plugins.body_limit import BodyLimit
from tests.plugins.exchanges import exchange, made


@pytest.mark.parametrize(("written", "size"), [("1k", 1024), (10, 10), ("2g", 2 * 1024**3)])
def test_the_exchange_carries_the_limit_of_its_route(written: object, size: int) -> None:
    sent = exchange()
    made(BodyLimit, max=written).on_request(sent)
    assert sent.max_body == size


@pytest.mark.parametrize("config", [{}, {"max": 0}, {"max": "lots"}])
def test_a_limit_that_is_none_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        made(BodyLimit, **config)

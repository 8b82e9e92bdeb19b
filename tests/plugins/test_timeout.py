import pytest
from pydantic import ValidationError

from gateway.http.exchange import TimeoutOverrides
from plugins.timeout import RouteTimeout
from tests.plugins.exchanges import exchange, made
from tests.upstream.defaults import timeouts_of


def test_the_exchange_carries_the_time_outs_of_its_route() -> None:
    sent = exchange()
    made(RouteTimeout, response="250ms").on_request(sent)
    assert sent.timeouts == TimeoutOverrides(response=0.25)


def test_what_it_does_not_say_is_as_the_upstream_has_it() -> None:
    own = timeouts_of(connect=1.0, response=2.0, idle=3.0)
    assert own.for_one(None) is own
    assert own.for_one(TimeoutOverrides(response=9.0)) == timeouts_of(connect=1.0, response=9.0, idle=3.0)
    assert own.for_one(TimeoutOverrides(idle=9.0)) == timeouts_of(connect=1.0, response=2.0, idle=9.0)


def test_one_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        made(RouteTimeout)

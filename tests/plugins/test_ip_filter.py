from dataclasses import replace

import pytest
from pydantic import ValidationError

from gateway.http.exchange import UNKNOWN_ADDRESS
from gateway.http.forwarded import direct_peer
from gateway.http.problems import Problem
from plugins.ip_filter import IpFilter
from tests.plugins.exchanges import exchange, made


def admits(address: str, **config: object) -> bool:
    sent = exchange()
    sent.request = replace(sent.request, peer=direct_peer(address, "https"))
    try:
        made(IpFilter, **config).on_request(sent)
    except Problem as problem:
        return (problem.kind.status, problem.kind.code) != (403, "403")
    return True


@pytest.mark.parametrize(
    ("address", "config", "admitted"),
    [
        ("10.1.2.3", {"allow": ["10.0.0.0/8"]}, True),
        ("11.1.2.3", {"allow": ["10.0.0.0/8"]}, False),
        ("10.1.2.3", {"allow": ["10.0.0.0/8"], "deny": ["10.1.2.3"]}, False),
        ("11.1.2.3", {"deny": ["10.0.0.0/8"]}, True),
        ("2001:db8::1", {"allow": ["2001:db8::/32"]}, True),
        ("2001:db8::1", {"allow": ["10.0.0.0/8"]}, False),
        ("::ffff:10.1.2.3", {"deny": ["10.0.0.0/8"]}, False),
        ("fe80::1%eth0", {"deny": ["fe80::/10"]}, False),
        ("", {"deny": ["10.0.0.0/8"]}, False),
        (UNKNOWN_ADDRESS, {"allow": ["0.0.0.0/0", "::/0"]}, False),
        (UNKNOWN_ADDRESS, {"deny": ["10.0.0.0/8"]}, False),
    ],
)
def test_the_address_decides(address: str, config: dict[str, object], admitted: bool) -> None:
    assert admits(address, **config) is admitted


@pytest.mark.parametrize("config", [{}, {"allow": ["10.0.0.1/8"]}, {"deny": ["nowhere"]}])
def test_networks_that_are_none_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        made(IpFilter, **config)

"""Names and their addresses."""

from __future__ import annotations

import pytest

from gateway.upstream.resolve import NAME_LIFETIME, Resolver, look_up


class Names:
    """A resolver's answers, as a test sets them."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        if not self.addresses:
            raise OSError("no such name")
        return list(self.addresses)


async def test_each_connection_begins_with_another_address() -> None:
    resolver = Resolver("orders.test", 80, Names("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    firsts = [(await resolver.addresses(0.0))[0] for _ in range(6)]
    assert firsts == ["10.0.0.1", "10.0.0.2", "10.0.0.3"] * 2
    assert sorted(await resolver.addresses(0.0)) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


async def test_a_name_is_looked_up_again_after_a_while() -> None:
    names = Names("10.0.0.1")
    resolver = Resolver("orders.test", 80, names)
    await resolver.addresses(100.0)
    names.addresses = ["10.0.0.9"]
    assert await resolver.addresses(100.0 + NAME_LIFETIME - 0.1) == ["10.0.0.1"]
    assert await resolver.addresses(100.0 + NAME_LIFETIME) == ["10.0.0.9"]
    assert names.asked == 2


async def test_known_addresses_outlive_a_resolver_that_is_down() -> None:
    names = Names("10.0.0.1")
    resolver = Resolver("orders.test", 80, names)
    await resolver.addresses(0.0)
    names.addresses = []
    assert await resolver.addresses(60.0) == ["10.0.0.1"]


async def test_a_name_that_never_had_an_address() -> None:
    with pytest.raises(OSError, match="no such name"):
        await Resolver("orders.test", 80, Names()).addresses(0.0)


async def test_the_systems_resolver() -> None:
    assert await look_up("127.0.0.1", 80) == ["127.0.0.1"]

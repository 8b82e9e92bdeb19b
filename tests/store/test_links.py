"""Which link an address gets."""

from gateway.store import RedisConnection, parse_address
from gateway.store.cluster_connection import ClusterConnection
from gateway.store.links import make_link


async def test_a_cluster_has_a_link_of_its_own() -> None:
    assert isinstance(make_link(parse_address("redis+cluster://a")), ClusterConnection)
    assert isinstance(make_link(parse_address("redis+sentinel://a/main")), RedisConnection)
    assert isinstance(make_link(parse_address("redis://a,b")), RedisConnection)

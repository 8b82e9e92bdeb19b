"""Checks of the store."""

from tests.config.example import problems, settings


def test_in_a_cluster_the_gateway_sets_the_hash_tags() -> None:
    (found,) = problems("store: {url: 'redis+cluster://h', prefix: '{gatepost}:'}")
    assert "store.prefix: must not have { or } with redis+cluster://" in found
    assert settings("store: {url: 'redis://h', prefix: '{gatepost}:'}").store.prefix == "{gatepost}:"

"""Which eviction policies are a danger."""

import pytest

from gateway.store.eviction import eviction_problem, read_policy


def test_the_policy_is_read_from_info() -> None:
    assert read_policy(b"# Memory\r\nused_memory:1\r\nmaxmemory_policy:allkeys-lru\r\n") == "allkeys-lru"
    assert read_policy(b"# Memory\r\nused_memory:1\r\n") is None


def test_only_noeviction_is_no_problem() -> None:
    assert eviction_problem("noeviction") is None


@pytest.mark.parametrize(
    ("policy", "lost"), [("allkeys-lru", "signing keys"), ("volatile-ttl", "used assertions")]
)
def test_a_problem_names_the_policy_what_is_lost_and_the_remedy(policy: str, lost: str) -> None:
    problem = str(eviction_problem(policy))
    assert policy in problem
    assert lost in problem
    assert "set noeviction" in problem
    assert "store.allow_eviction" in problem

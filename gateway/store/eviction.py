"""What a server does when its memory is full: whether it deletes what the gateway needs."""

from __future__ import annotations


def read_policy(info: bytes) -> str | None:
    """The `maxmemory_policy` in an answer to `INFO memory`; None where it is not there."""
    for line in info.splitlines():
        name, _, value = line.partition(b":")
        if name == b"maxmemory_policy":
            return value.decode("ascii", "replace")
    return None


def eviction_problem(policy: str) -> str | None:
    """What is wrong with a policy; None where nothing is deleted before its time."""
    if policy == "noeviction":
        return None
    if policy.startswith("allkeys-"):
        lost = "clients, applications, users, signing keys and tokens"
    else:
        lost = "tokens, sessions and the marks of used assertions"
    return (
        f"the store deletes {lost} when its memory is full (maxmemory-policy {policy}): set noeviction, "
        "or store.allow_eviction: true to accept it"
    )

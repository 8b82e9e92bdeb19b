"""Key names: each kind of key has its own, all are under the prefix, and a script's are in one slot."""

from collections.abc import Callable
from inspect import getmembers, isfunction, signature
from itertools import pairwise

import pytest
from redis.crc import key_slot

from gateway.oauth.opaque_tokens import OpaqueTokens
from gateway.store.key_names import GROUPS, KeyNames, group_of, token_head

NAMES = KeyNames("p:")
CLUSTER = KeyNames("p:", cluster=True)
NO_KEYS = {"of_client", "group", "group_of_token", "token_name", "record"}


ALIASES = {"all_tokens", "clients_with", "applications_with", "file_clients_in"}
"""The same keys by another argument, or what several keys begin with."""


def every_name(names: KeyNames) -> list[str]:
    """A name of each kind."""
    found = [name for name, value in getmembers(KeyNames) if isinstance(value, property)]
    made = [getattr(names, name) for name in found if name not in {"groups", *ALIASES}]
    for name, method in getmembers(KeyNames, isfunction):
        if not name.startswith("_") and name not in {*NO_KEYS, *ALIASES}:
            made.append(getattr(names, name)(*("x" for _ in list(signature(method).parameters)[1:])))
    return made


@pytest.mark.parametrize("names", [NAMES, CLUSTER], ids=["server", "cluster"])
def test_every_key_is_under_the_prefix_and_no_two_kinds_share_one(names: KeyNames) -> None:
    made = every_name(names)
    assert len(made) > 20
    assert all(name.startswith("p:") for name in made)
    assert len(set(made)) == len(made)
    assert names.cluster == any("{" in name for name in made)


def test_what_goes_with_a_client_goes_together() -> None:
    assert NAMES.of_client("shop") == ("p:g:shop", "p:u:shop", "p:n:shop", "p:k:shop", "p:l:shop", "p:d:shop")


def test_on_a_single_server_names_are_those_of_earlier_versions() -> None:
    assert NAMES.token(NAMES.token_name("hash", "A")) == "p:t:hash"
    assert NAMES.reusable_token("shop", "key") == "p:s:key"
    assert (NAMES.clients(""), NAMES.applications("")) == ("p:clients", "p:apps")
    assert (NAMES.accounts, NAMES.file_clients, NAMES.file_clients_in("")) == (
        "p:users",
        "p:file:clients",
        "p:file:clients",
    )
    assert NAMES.failed_attempts("p", "d") == "p:f:p:d"
    assert NAMES.record("clients", "shop") == CLUSTER.record("clients", "shop") == "p:clients shop"


def same_slot(*keys: str) -> bool:
    return all(key_slot(one.encode()) == key_slot(other.encode()) for one, other in pairwise(keys))


@pytest.mark.parametrize("client", ["shop", "демо", "a b", "{x}", "x" * 255])
def test_in_a_cluster_all_that_a_script_touches_of_a_client_is_in_one_slot(client: str) -> None:
    group = group_of(client)
    opaque = OpaqueTokens([b"k" * 32], lambda count: b"\xff" * count)
    token = opaque.make(token_head(client))
    assert token[4] == group
    name = CLUSTER.token_name("hash", token[4])
    assert same_slot(
        CLUSTER.token(name),
        CLUSTER.tokens(group) + name,
        CLUSTER.reusable_token(client, "key"),
        CLUSTER.client_generations(group) + client,
        *CLUSTER.of_client(client),
        CLUSTER.applications_with(client),
        CLUSTER.activity_of(client),
        CLUSTER.clients_with(client),
        CLUSTER.file_clients_in(group),
        CLUSTER.refresh_family(f"{group}family"),
        *(CLUSTER.probe(part, group) for part in ("token", "generation", "reuse")),
    )
    assert CLUSTER.token(name) == CLUSTER.tokens(group) + name
    assert CLUSTER.client_generation(client) == CLUSTER.client_generations(group) + client


@pytest.mark.parametrize(
    "keys",
    [
        lambda n: (n.accounts, n.file_users, n.user_generations + "id", n.file_version, n.file_clients),
        lambda n: (n.file_version, n.file_loads, n.file_load_order, n.accounts),
        lambda n: (n.limit_workers, n.limits + "one", n.limits + "two"),
        lambda n: tuple(n.failed_attempts(kind, kind * 3) for kind in "pacs"),
    ],
)
def test_in_a_cluster_other_scripts_have_their_keys_in_one_slot(
    keys: Callable[[KeyNames], tuple[str, ...]],
) -> None:
    assert same_slot(*keys(CLUSTER))


def test_the_groups_are_spread_over_all_masters() -> None:
    masters = 3
    slots = [key_slot(CLUSTER.tokens(group).encode()) for group in GROUPS]
    shares = [sum(slot * masters // 16_384 == master for slot in slots) for master in range(masters)]
    assert min(shares) > len(GROUPS) / masters / 2
    used = {group_of(f"client-{number}") for number in range(2_000)}
    assert used == set(GROUPS)

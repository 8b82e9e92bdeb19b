"""Several secrets of one pair of keys, by REST."""

from __future__ import annotations

from tests.portal.api.program import Program
from tests.portal.api.test_keys import made, works


def test_a_second_secret_is_made_listed_and_ended(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}"
    wanted = {"additionalProperties": {"description": "laptop", "expiresIn": 3600}}
    status, second = program.ask("POST", f"{there}/generate-secret", wanted)
    assert (status, second["secretId"]) == (200, "laptop")
    assert works(program, keys, second["secretValue"])
    listed = program.ask("GET", f"{there}/secrets")[1]
    assert (listed["count"], listed["list"][1]["secretId"]) == (2, "laptop")
    ends = [one["additionalProperties"]["expiresAt"] for one in listed["list"]]
    assert ends[0] is None
    assert ends[1] > listed["list"][0]["additionalProperties"]["createdAt"] + 3000
    assert "secretValue" not in str(listed)
    assert program.ask("POST", f"{there}/generate-secret", wanted)[0] == 409, "the name is taken"
    assert program.ask("POST", f"{there}/revoke-secret", {"secretId": "laptop"}) == (204, None)
    assert not works(program, keys, second["secretValue"])
    assert works(program, keys, keys["consumerSecret"])
    assert program.ask("POST", f"{there}/revoke-secret", {"secretId": "laptop"})[0] == 404


def test_a_secret_needs_no_wishes(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}"
    _, second = program.ask("POST", f"{there}/generate-secret")
    assert works(program, keys, second["secretValue"])
    _, third = program.ask("POST", f"{there}/regenerate-secret", {"gracePeriod": 60})
    assert works(program, keys, second["secretValue"])
    assert works(program, keys, third["consumerSecret"])

"""API keys of one pair of keys, by REST."""

from __future__ import annotations

from tests.portal.api.program import Program
from tests.portal.api.test_keys import made


def test_an_api_key_is_made_listed_and_revoked(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}"
    status, key = program.ask(
        "POST", f"{there}/generate-api-key", {"keyName": "laptop", "validityPeriod": 60}
    )
    assert (status, key["prefix"], key["validityTime"]) == (200, key["apikey"][:12], 60)
    assert program.ask("POST", f"{there}/generate-api-key")[0] == 200
    listed = program.ask("GET", f"{there}/api-keys")[1]
    first = listed["list"][0]
    assert (listed["count"], first["prefix"], first["keyName"]) == (2, key["prefix"], "laptop")
    assert first["expiresAt"] == first["createdAt"] + 60
    assert (first["lastUsedAt"], listed["list"][1]["expiresAt"]) == (None, None)
    assert key["apikey"] not in str(listed)
    assert program.ask("POST", f"{there}/revoke-api-key", {"prefix": key["prefix"]}) == (204, None)
    assert program.ask("POST", f"{there}/revoke-api-key", {"prefix": key["prefix"]})[0] == 404
    assert program.ask("GET", f"{there}/api-keys")[1]["count"] == 1

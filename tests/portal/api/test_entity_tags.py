"""Two programs never overwrite each other unseen, and get nothing twice: ETag, If-Match, If-None-Match."""

from __future__ import annotations

from tests.portal.api.program import Program


def test_an_application_is_changed_and_deleted_only_as_it_was_seen(program: Program) -> None:
    _, made = program.ask("POST", "/applications", {"name": "Shop"})
    path, first = f"/applications/{made['applicationId']}", program.headers["ETag"]
    assert program.ask("GET", path)[0] == 200
    assert program.headers["ETag"] == first
    assert program.ask("PUT", path, {**made, "name": "Store"}, **{"If-Match": first})[0] == 200
    second = program.headers["ETag"]
    assert second != first
    status, problem = program.ask("PUT", path, {"name": "Mine"}, **{"If-Match": first})
    assert (status, problem["title"]) == (412, "Precondition failed")
    assert program.ask("DELETE", path, **{"If-Match": first})[0] == 412
    assert program.ask("GET", path)[1]["name"] == "Store"
    assert program.ask("PUT", path, {"name": "Any"})[0] == 200, "without the header it is as before"
    assert program.ask("DELETE", path, **{"If-Match": f"{first}, {program.headers['ETag']}"})[0] == 204


def test_keys_are_changed_only_as_they_were_seen(program: Program) -> None:
    _, made = program.ask("POST", "/applications", {"name": "Shop"})
    path = f"/applications/{made['applicationId']}"
    wanted = {"keyType": "SANDBOX", "grantTypesToBeSupported": ["client_credentials"]}
    _, keys = program.ask("POST", f"{path}/generate-keys", wanted)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}"
    _, read = program.ask("GET", there)
    first = program.headers["ETag"]
    assert program.ask("PUT", there, {**read, "validityTime": 60}, **{"If-Match": first})[0] == 200
    late = {"scopes": [], "enabled": False}
    assert program.ask("PUT", there, late, **{"If-Match": first})[0] == 412
    _, now = program.ask("GET", there)
    assert (now["validityTime"], now["scopes"], now["keyState"]) == (60, read["scopes"], "APPROVED")
    assert program.ask("PUT", there, {"enabled": False}, **{"If-Match": program.headers["ETag"]})[0] == 200
    changed = program.headers["ETag"]
    program.ask("GET", there)
    assert program.headers["ETag"] == changed


def test_what_the_caller_has_already_is_not_sent_again(program: Program) -> None:
    _, made = program.ask("POST", "/applications", {"name": "Shop"})
    path, first = f"/applications/{made['applicationId']}", program.headers["ETag"]
    for known in (first, f'"a", W/{first}', "*"):
        assert program.ask("GET", path, **{"If-None-Match": known}) == (304, None)
        assert program.headers["Content-Length"] in (None, "0")
    assert program.headers["ETag"] == first
    for other in ('"a"', "a", first.strip('"'), ""):
        assert program.ask("GET", path, **{"If-None-Match": other})[0] == 200
    assert program.ask("PUT", path, {"name": "Store"}, **{"If-None-Match": "*"})[0] == 200, "a GET's alone"
    assert program.ask("GET", path, **{"If-None-Match": first})[1]["name"] == "Store"


def test_lists_too_are_sent_once(program: Program) -> None:
    assert program.ask("GET", "/applications")[0] == 200
    first = program.headers["ETag"]
    assert program.ask("GET", "/applications", **{"If-None-Match": first})[0] == 304
    program.ask("POST", "/applications", {"name": "Another"})
    assert program.ask("GET", "/applications", **{"If-None-Match": first})[0] == 200
    assert program.headers["ETag"] != first

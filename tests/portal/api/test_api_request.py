"""On whose behalf a program's request comes, and what it brings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, call
from tests.running import Running

FORM = {"grant_type": "client_credentials"}


def test_without_a_token_or_with_a_bad_one_nobody_is_let_in(gateway: str) -> None:
    stranger = Program(gateway, None)
    status, problem = stranger.ask("GET", "/applications")
    assert (status, problem["code"]) == (401, "900902")
    assert stranger.headers["WWW-Authenticate"] == 'Bearer realm="gatepost", scope="portal:manage"'
    forged = Program(gateway, "made-up")
    assert (forged.ask("GET", "/applications")[0], "invalid_token" in forged.headers["WWW-Authenticate"]) == (
        401,
        True,
    )


def test_a_token_without_the_scope_is_not_enough(developer: Reader, gateway: str) -> None:
    other = Program(gateway, token_of(developer, gateway, "orders.read"))
    assert other.ask("GET", "/applications")[0] == 403
    assert 'scope="portal:manage"' in other.headers["WWW-Authenticate"]


def test_a_session_of_the_pages_is_no_token(developer: Reader) -> None:
    assert developer.open("/portal/api/v1/applications").status == 401


def test_a_program_sees_what_its_owner_sees(developer: Reader, admin: Reader, gateway: str) -> None:
    own = Program(gateway, token_of(developer, gateway))
    (one,) = own.ask("GET", "/applications")[1]["list"]
    theirs = one["applicationId"]
    path = admin.application(f"Of the admin {theirs}").rpartition("/")[2]
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/generate-keys"), ("GET", "/oauth-keys")):
        body = {"keyType": "SANDBOX", "grantTypesToBeSupported": []} if method == "POST" else None
        assert own.ask(method, f"/applications/{path}{rest}", body)[0] == 404


def test_who_loses_the_scope_is_let_in_no_more(developer: Reader, gateway: str) -> None:
    own = Program(gateway, token_of(developer, gateway))
    path = developer.open("/portal/applications").html.partition('href="/portal/applications/')[2]
    for chunk in developer.open("/portal/applications").html.split('<th scope="row"><a href="')[1:]:
        path = chunk.partition('"')[0]
    developer.open(f"{path}/production").submit("/configure", scope="orders.read")
    assert own.ask("GET", "/applications")[0] == 403


def test_a_client_of_the_file_works_for_whoever_runs_the_gateway(start: Callable[..., Running]) -> None:
    clients = [
        {"id": "ops", "secrets": ["ops-secret"], "scopes": ["portal:manage"]},
        {"id": "any", "secrets": ["any-secret"]},
    ]
    base = start(clients=clients, scopes={"allowed": ["*"]}).http
    form = {**FORM, "scope": "portal:manage"}
    ops = Program(base, call(base, "/token", form, basic="ops:ops-secret")[1]["access_token"])
    status, made = ops.ask("POST", "/applications", {"name": "By ops"})
    assert (status, made["owner"]) == (201, "client/ops")
    reader = Reader(base)
    reader.sign_in(ADMIN, PASSWORD)
    assert "By ops" in reader.open("/portal/applications").words
    anybody = call(base, "/token", form, basic="any:any-secret")[1]["access_token"]
    assert Program(base, anybody).ask("GET", "/applications")[0] == 403, "a scope for all gives no power"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"name": 7}', 400),
        (b'{"name": "  "}', 400),
        (b'{"name": "a\\u0000"}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"name": NaN}', 400),
        (b"\xff", 400),
        (b"[" * 60_000, 400),
        (b" " * 70_000, 413),
    ],
)
def test_a_body_that_is_no_application_is_refused(program: Program, body: bytes, status: int) -> None:
    assert program.ask("POST", "/applications", body)[0] == status


def test_only_json_is_taken(program: Program) -> None:
    answer = program.ask("POST", "/applications", b'{"name": "x"}', **{"Content-Type": "text/plain"})
    assert answer[0] == 415


@pytest.mark.parametrize("query", ["limit=-1", "limit=201", "limit=x", "offset=1.5"])
def test_a_number_that_is_none_is_refused(program: Program, query: str) -> None:
    assert program.ask("GET", f"/applications?{query}")[0] == 400


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "Shop", "ownr": "x"}, "ownr: there is no such member (did you mean owner?)."),
        ({"name": "Shop", "zzz": 1}, "zzz: there is no such member."),
        ({"name": "Shop", "x" * 300: 1}, f"{'x' * 100}: there is no such member."),
    ],
)  # fmt: skip
def test_an_unknown_member_is_refused_by_its_name(program: Program, body: object, says: str) -> None:
    status, problem = program.ask("POST", "/applications", body)
    assert (status, problem["detail"]) == (400, says)


def test_what_an_answer_has_can_be_sent_back(program: Program) -> None:
    _, made = program.ask("POST", "/applications", {"name": "Back"})
    status, changed = program.ask("PUT", f"/applications/{made['applicationId']}", made)
    assert (status, changed) == (200, made)

"""Output of the client commands, and the reasons why a client can't be created."""

import pytest

from gateway.commands.client_checks import (
    configured,
    described,
    exit_with_error,
    reject_file_client,
    reject_new_client,
)
from gateway.oauth.model import Client, Secret
from tests.config.example import settings

SETTINGS = settings(
    """\
    clients: [{id: demo, secrets: [x]}]
    grants: {client_credentials: {}, password: {enabled: false}}
    tokens: {max_lifetime: 2h}
    portal: {users: [{name: Ann, password: long-password}]}
    issuers: {corp: {issuer: "https://id.example.org", audiences: [a]}}
    """
)


WRONG_ID = "the id must be 1 to 255 printable ASCII characters, without a space at either end"


@pytest.mark.parametrize(
    ("wanted", "status", "text"),
    [
        (Client("sh\u00f6p"), 2, WRONG_ID),
        (Client("shop\n"), 2, WRONG_ID),
        (Client(" shop"), 2, WRONG_ID),
        (Client("shop "), 2, WRONG_ID),
        (Client("x" * 256), 2, WRONG_ID),
        (Client("demo"), 1, "the client 'demo' is defined in gateway.yaml"),
        (Client("corp:shop"), 1, "the id 'corp:shop' is reserved for clients of the issuer corp"),
        (Client("ann"), 1, "a user has the name 'ann'"),
        (
            Client("shop", grants=frozenset({"magic"})),
            2,
            "there is no grant 'magic'; there are client_credentials, password",
        ),
        (Client("shop", scopes=("good", "not good")), 2, "'not good' is not a valid scope"),
        (
            Client("shop", audiences=("https://a.example", "orders")),
            2,
            "the audience 'orders' must be an absolute URI, such as https://api.example.org",
        ),
        (
            Client("shop", audiences=("https://a.example/#b",)),
            2,
            "the audience 'https://a.example/#b' must not have a fragment (#\u2026)",
        ),
        (Client("shop", lifetime=7201), 2, "the lifetime exceeds tokens.max_lifetime (7200 seconds)"),
        (Client("shop", auth=frozenset({"private_key_jwt"})), 2, "private_key_jwt needs --jwks"),
    ],
)
def test_a_client_that_can_not_be_is_refused_with_the_reason(
    wanted: Client, status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        reject_new_client(wanted, SETTINGS)
    assert (ended.value.code, capsys.readouterr().err) == (status, f"gatepost: {text}\n")


@pytest.mark.parametrize(
    "wanted",
    [
        Client("shop", grants=frozenset({"client_credentials"}), lifetime=7200),
        Client("shop", grants=frozenset({"password"}), audiences=("https://a.example", "urn:a:b")),
    ],
)
def test_a_client_that_can_be_is_not_refused(wanted: Client, capsys: pytest.CaptureFixture[str]) -> None:
    reject_new_client(wanted, SETTINGS)
    assert capsys.readouterr() == ("", "")


def test_times_are_reported_as_people_read_them() -> None:
    ends = Secret(b"d" * 32, "next", expires=1_800_000_000, created=1_700_000_000)
    told = described(Client("shop", secrets=(ends, Secret(b"e" * 32))))
    assert told["secrets"] == [
        {"name": "next", "created": "2023-11-14T22:13:20Z", "expires": "2027-01-15T08:00:00Z"},
        {"name": "", "created": None, "expires": None},
    ]
    assert "d" * 32 not in str(told)


def test_grants_stand_in_one_order_and_scopes_in_their_own() -> None:
    told = described(Client("shop", grants=frozenset({"z", "a"}), scopes=("z", "a")))
    assert (told["grants"], told["scopes"]) == (["a", "z"], ["z", "a"])


def test_clients_of_the_file_are_known_by_their_id() -> None:
    found = configured(SETTINGS, "demo")
    assert found is not None
    assert found.id == "demo"
    assert configured(SETTINGS, "Demo") is None


def test_a_refusal_is_a_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    exit_with_error(None)
    reject_file_client(SETTINGS, "shop")
    assert capsys.readouterr() == ("", "")
    with pytest.raises(SystemExit) as ended:
        reject_file_client(SETTINGS, "demo")
    assert ended.value.code == 1
    assert (
        capsys.readouterr().err == "gatepost: the client 'demo' is defined in gateway.yaml: change it there\n"
    )

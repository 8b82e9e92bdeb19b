"""Answers of browsers: those of our pages are believed, all others are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.accounts.webauthn_ceremonies import (
    LONGEST_ANSWER,
    creation_options,
    read_assertion,
    request_options,
    verify_assertion,
    verify_creation,
)
from gateway.oauth.passkey import Passkey, PasskeyRefused, RelyingParty
from tests.authenticator import PRESENT, VERIFIED, Authenticator, to_bytes, to_text

PARTY = RelyingParty("portal.example", "https://portal.example")
CHALLENGE = bytes(range(32))
USER = ("store:0a1b", "ada")
KNOWN = Passkey("aWQ", "Old", "a2V5", 0, 1)


def asked_to_create() -> str:
    return creation_options(PARTY, "Portal", USER, (KNOWN,), CHALLENGE)


def asked_to_sign() -> str:
    return request_options(PARTY, CHALLENGE)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(PARTY.origin)


def made(authenticator: Authenticator) -> Passkey:
    new = verify_creation(authenticator.create(asked_to_create()), CHALLENGE, PARTY)
    return Passkey(new.id, "Laptop", new.public_key, new.sign_count, 1, 0, new.transports)


def test_what_is_asked_for_is_discoverable_and_verifies_its_user() -> None:
    create = json.loads(asked_to_create())
    selection = create["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    assert create["attestation"] == "none"
    assert [one["id"] for one in create["excludeCredentials"]] == ["aWQ"]
    assert to_bytes(create["user"]["id"]) == b"store:0a1b"
    get = json.loads(asked_to_sign())
    assert (get["rpId"], get["userVerification"], get["allowCredentials"]) == (
        "portal.example",
        "required",
        [],
    )


def test_a_passkey_is_made_and_signs(authenticator: Authenticator) -> None:
    passkey = made(authenticator)
    assert passkey.transports == ("internal",)
    for number in (1, 2):
        assertion = read_assertion(authenticator.get(asked_to_sign()))
        assert (assertion.id, assertion.user_id) == (passkey.id, "store:0a1b")
        assert verify_assertion(assertion, CHALLENGE, PARTY, passkey) == number


WRONG: dict[str, Callable[[Authenticator], dict[str, Any]]] = {
    "another origin": lambda _: {"origin": "https://portal.example.evil"},
    "plain HTTP": lambda _: {"origin": "http://portal.example"},
    "another port": lambda _: {"origin": "https://portal.example:8443"},
    "another challenge": lambda _: {"challenge": to_text(bytes(32))},
    "the other ceremony": lambda _: {"type": "webauthn.other"},
    "a frame": lambda _: {"crossOrigin": True},
    "no user verification": lambda one: setattr(one, "flags", PRESENT) or {},
    "nobody present": lambda one: setattr(one, "flags", VERIFIED) or {},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_that_is_not_of_our_page_is_refused(authenticator: Authenticator, wrong: str) -> None:
    passkey = made(authenticator)
    changes = WRONG[wrong](authenticator)
    with pytest.raises(PasskeyRefused):
        verify_creation(authenticator.create(asked_to_create(), **changes), CHALLENGE, PARTY)
    assertion = read_assertion(authenticator.get(asked_to_sign(), **changes))
    with pytest.raises(PasskeyRefused):
        verify_assertion(assertion, CHALLENGE, PARTY, passkey)


def test_an_answer_for_another_party_or_by_another_key_is_refused(authenticator: Authenticator) -> None:
    passkey = made(authenticator)
    elsewhere = request_options(RelyingParty("evil.example", PARTY.origin), CHALLENGE)
    other = Authenticator(PARTY.origin, id=authenticator.id, user=authenticator.user)
    for answer in (authenticator.get(elsewhere), other.get(asked_to_sign())):
        with pytest.raises(PasskeyRefused):
            verify_assertion(read_assertion(answer), CHALLENGE, PARTY, passkey)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"response": []}',
        '{"response": {}}',
        '{"id": "a", "response": {"userHandle": "\u00e9"}}',
        '{"id": 1, "response": {"userHandle": "YQ"}}',
        '{"id": "a", "response": {"userHandle": {}}}',
        "[" * 30_000,
        "x" * (LONGEST_ANSWER + 1),
    ],
    ids=lambda answer: answer[:20],
)
def test_nonsense_is_refused(answer: str) -> None:
    with pytest.raises(PasskeyRefused) as refused:
        verify_creation(answer, CHALLENGE, PARTY)
    assert "\n" not in str(refused.value)
    with pytest.raises(PasskeyRefused):
        read_assertion(answer)


@pytest.mark.parametrize("part", ["clientDataJSON", "attestationObject"])
@pytest.mark.parametrize("value", ["", "!", to_text(b"\xff" * 2000), to_text(b"[" * 9000), 7, None])
def test_broken_parts_are_refused(authenticator: Authenticator, part: str, value: object) -> None:
    answer = json.loads(authenticator.create(asked_to_create()))
    answer["response"][part] = value
    with pytest.raises(PasskeyRefused):
        verify_creation(json.dumps(answer), CHALLENGE, PARTY)


def test_a_credential_id_of_more_than_is_allowed_is_refused(authenticator: Authenticator) -> None:
    authenticator.id = bytes(1024)
    with pytest.raises(PasskeyRefused, match="too long"):
        made(authenticator)

"""A person's e-mail address: what it becomes, and what a link says."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode

import pytest

from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth.user_mail import KINDS, LONGEST_TOKEN, Confirmation, UserMail, open_confirmation

CIPHER = TokenCipher([b"k" * 32], secrets.token_bytes)
ANN, BOB = "ann@example.org", "bob@example.org"
LINK = Confirmation("store:1", ANN, 100)


def test_a_user_mail_is_written_to_only_once_it_is_confirmed() -> None:
    asked = UserMail().asking(ANN, "de", 50)
    assert (asked.email, asked.pending_email, asked.asked, asked.language) == ("", ANN, 50, "de")
    assert not any(asked.wants(kind) for kind in (*KINDS, None))
    done = asked.confirmed(ANN)
    assert done == UserMail(ANN, language="de")
    assert done is not None
    assert all(done.wants(kind) for kind in (*KINDS, None))
    assert done.confirmed(ANN) is None, "once"
    assert done.confirmed("") is None


def test_the_confirmed_user_mail_stays_until_another_is_confirmed() -> None:
    changing = UserMail(ANN).asking(BOB, "", 50)
    assert (changing.email, changing.pending_email) == (ANN, BOB)
    assert changing.confirmed(ANN) is None
    assert changing.asking(ANN, "", 51) == UserMail(ANN), "who takes it back waits for nothing"
    assert changing.confirmed(BOB) == UserMail(BOB)


def test_each_link_for_a_user_mail_was_asked_for_at_another_time() -> None:
    first = UserMail().asking(ANN, "", 50)
    assert first.asking(ANN, "", 50).asked == 51


def test_security_is_told_whatever_is_chosen() -> None:
    quiet = UserMail(ANN, kinds=())
    assert quiet.wants(None)
    assert not any(quiet.wants(kind) for kind in KINDS)
    assert UserMail(ANN, kinds=("errors",)).wants("errors")


def test_a_link_says_who_confirms_what_until_when() -> None:
    token = LINK.seal(CIPHER)
    assert ANN not in token
    assert open_confirmation(CIPHER, token, 99.9) == LINK
    assert open_confirmation(CIPHER, token, 100) is None
    rotated = TokenCipher([b"n" * 32, b"k" * 32], secrets.token_bytes)
    assert open_confirmation(rotated, token, 1) == LINK


@pytest.mark.parametrize("token", ["", "x", "=", "ä", "A" * (LONGEST_TOKEN + 1), "!!!!", "AAAA" * 100])
def test_what_is_no_link_of_ours_confirms_no_user_mail(token: str) -> None:
    assert open_confirmation(CIPHER, token, 1) is None


def test_a_link_that_was_changed_or_sealed_for_something_else_is_none() -> None:
    token = LINK.seal(CIPHER)
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        assert open_confirmation(CIPHER, token[:place] + other + token[place + 1 :], 1) is None
    elsewhere = CIPHER.seal(json.dumps(["store:1", ANN, 100]), "another slot")
    assert open_confirmation(CIPHER, urlsafe_b64encode(elsewhere).decode(), 1) is None
    stranger = TokenCipher([b"x" * 32], secrets.token_bytes)
    assert open_confirmation(stranger, token, 1) is None

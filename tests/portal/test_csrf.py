"""The proof in every form."""

from __future__ import annotations

from gateway.portal.csrf import CsrfToken


def test_a_proof_holds_for_its_browser_only() -> None:
    proof = CsrfToken((b"k" * 32,), secure=False)
    _, one = proof.new_binding()
    _, other = proof.new_binding()
    assert proof.proves(one, proof.tag(one))
    assert not proof.proves(other, proof.tag(one))
    assert not proof.proves(None, proof.tag(one))
    assert not proof.proves(one, "ü")


def test_a_cookie_is_never_taken_for_a_session() -> None:
    proof = CsrfToken((b"k" * 32,), secure=False)
    assert proof.tag("cookie " + "a" * 43) != proof.tag("session " + "a" * 43)


def test_another_gateways_proof_is_none() -> None:
    _, one = CsrfToken((b"k" * 32,), secure=True).new_binding()
    tag = CsrfToken((b"k" * 32,), secure=True).tag(one)
    assert not CsrfToken((b"j" * 32,), secure=True).proves(one, tag)


def test_after_a_change_of_keys_forms_of_the_old_key_are_still_taken() -> None:
    old, both = CsrfToken((b"k" * 32,), secure=True), CsrfToken((b"n" * 32, b"k" * 32), secure=True)
    _, one = old.new_binding()
    assert both.proves(one, old.tag(one))
    assert not old.proves(one, both.tag(one))


def test_a_form_proves_the_person_it_was_shown_to_beyond_the_session() -> None:
    proof = CsrfToken((b"k" * 32,), secure=True)
    tag = proof.tag("session a", "note")
    assert proof.proves("session a", tag)
    assert not proof.proves("session b", tag)
    assert proof.was_of("note", tag)
    assert not proof.was_of("other", tag)
    assert not proof.was_of("", proof.tag("session a"))

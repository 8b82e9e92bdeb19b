import pytest

from gateway.oauth.nonce import PERIOD, Nonces

NOW = PERIOD * 15_000_000.0


def test_all_who_have_the_key_agree() -> None:
    nonce = Nonces((b"k" * 32,)).current(NOW)
    assert Nonces((b"k" * 32,)).has_valid_tag(nonce, NOW + 1)
    assert not Nonces((b"l" * 32,)).has_valid_tag(nonce, NOW + 1)


def test_a_nonce_lasts_into_the_next_period() -> None:
    nonces = Nonces((b"k" * 32,))
    nonce = nonces.current(NOW)
    assert nonces.current(NOW + PERIOD - 1) == nonce
    assert nonces.current(NOW + PERIOD) != nonce
    assert nonces.has_valid_tag(nonce, NOW + 2 * PERIOD - 1)
    assert not nonces.has_valid_tag(nonce, NOW + 2 * PERIOD)
    assert nonces.has_valid_tag(nonce, NOW - 1), "another gateway's clock may be ahead"
    assert not nonces.has_valid_tag(nonce, NOW - PERIOD - 1)


@pytest.mark.parametrize("nonce", ["", "x", "\ud800", "é" * 24])
def test_a_strangers_nonce_is_none(nonce: str) -> None:
    assert not Nonces((b"k" * 32,)).has_valid_tag(nonce, NOW)


def test_after_a_change_of_keys_nonces_of_the_old_key_are_still_taken() -> None:
    old, new, both = Nonces((b"o" * 32,)), Nonces((b"n" * 32,)), Nonces((b"n" * 32, b"o" * 32))
    assert both.has_valid_tag(old.current(NOW), NOW)
    assert new.has_valid_tag(both.current(NOW), NOW)
    assert not old.has_valid_tag(both.current(NOW), NOW)

import pytest

from gateway.oauth.nonce import PERIOD, Nonces

NOW = PERIOD * 15_000_000.0


def test_all_who_have_the_key_agree() -> None:
    nonce = Nonces(b"k" * 32).current(NOW)
    assert Nonces(b"k" * 32).is_ours(nonce, NOW + 1)
    assert not Nonces(b"l" * 32).is_ours(nonce, NOW + 1)


def test_a_nonce_lasts_into_the_next_period() -> None:
    nonces = Nonces(b"k" * 32)
    nonce = nonces.current(NOW)
    assert nonces.current(NOW + PERIOD - 1) == nonce
    assert nonces.current(NOW + PERIOD) != nonce
    assert nonces.is_ours(nonce, NOW + 2 * PERIOD - 1)
    assert not nonces.is_ours(nonce, NOW + 2 * PERIOD)
    assert nonces.is_ours(nonce, NOW - 1), "another gateway's clock may be ahead"
    assert not nonces.is_ours(nonce, NOW - PERIOD - 1)


@pytest.mark.parametrize("nonce", ["", "x", "\ud800", "é" * 24])
def test_a_strangers_nonce_is_none(nonce: str) -> None:
    assert not Nonces(b"k" * 32).is_ours(nonce, NOW)

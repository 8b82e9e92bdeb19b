import secrets

from gateway.oauth.token_encryption import TokenCipher

SEAL = TokenCipher((b"k" * 32,), secrets.token_bytes)


def test_a_sealed_token_can_be_opened_under_its_slot() -> None:
    sealed = SEAL.seal("gpt_token", "slot")
    assert b"gpt_token" not in sealed
    assert SEAL.open(sealed, "slot") == "gpt_token"


def test_it_opens_under_no_other_slot_or_key_and_not_when_changed() -> None:
    sealed = SEAL.seal("gpt_token", "slot")
    assert SEAL.open(sealed, "other") is None
    assert TokenCipher((b"o" * 32,), secrets.token_bytes).open(sealed, "slot") is None
    assert SEAL.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "slot") is None
    assert SEAL.open(b"", "slot") is None


def test_after_a_change_of_keys_what_the_old_key_encrypted_can_still_be_opened() -> None:
    old, both = (TokenCipher(keys, secrets.token_bytes) for keys in ((b"k" * 32,), (b"n" * 32, b"k" * 32)))
    sealed = old.seal("token", "slot")
    assert both.open(sealed, "slot") == "token"
    assert not both.is_current(sealed, "slot")
    assert both.is_current(both.seal("token", "slot"), "slot")
    assert old.open(both.seal("token", "slot"), "slot") is None

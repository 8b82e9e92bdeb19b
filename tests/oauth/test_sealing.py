import secrets

from gateway.oauth.sealing import TokenSeal

SEAL = TokenSeal(b"k" * 32, secrets.token_bytes)


def test_a_sealed_token_can_be_opened_under_its_slot() -> None:
    sealed = SEAL.seal("gpt_token", "slot")
    assert b"gpt_token" not in sealed
    assert SEAL.open(sealed, "slot") == "gpt_token"


def test_it_opens_under_no_other_slot_or_key_and_not_when_changed() -> None:
    sealed = SEAL.seal("gpt_token", "slot")
    assert SEAL.open(sealed, "other") is None
    assert TokenSeal(b"o" * 32, secrets.token_bytes).open(sealed, "slot") is None
    assert SEAL.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "slot") is None
    assert SEAL.open(b"", "slot") is None

import re
import secrets

from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.opaque_tokens import LENGTH, OpaqueTokens, derived_key, token_hash

TOKENS = OpaqueTokens((b"k" * 32,), secrets.token_bytes)


def test_a_token_is_recognised() -> None:
    token = TOKENS.make()
    assert re.fullmatch(r"gpt_[A-Za-z0-9_-]{65}", token)
    assert TOKENS.has_valid_tag(token)


def test_no_two_tokens_are_alike() -> None:
    assert len({TOKENS.make() for _ in range(1000)}) == 1000


def test_a_token_under_another_key_is_not_ours() -> None:
    assert not TOKENS.has_valid_tag(OpaqueTokens((b"o" * 32,), secrets.token_bytes).make())


def test_a_token_with_any_character_changed_is_not_ours() -> None:
    token = TOKENS.make()
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        assert not TOKENS.has_valid_tag(token[:place] + other + token[place + 1 :])


@given(st.one_of(st.text(), st.text(min_size=LENGTH, max_size=LENGTH)))
def test_no_made_up_text_is_ours(text: str) -> None:
    assert not TOKENS.has_valid_tag(text)
    assert not TOKENS.has_valid_tag("gpt_" + text)


def test_the_name_in_the_store_is_not_the_token() -> None:
    token = TOKENS.make()
    assert len(token_hash(token)) == 43
    assert token not in token_hash(token)


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert derived_key(b"m", "token tag") != derived_key(b"m", "token seal")
    assert len(derived_key(b"m", "token tag")) == 32


def test_after_a_change_of_keys_tokens_of_the_old_key_are_still_recognised() -> None:
    old, new = (
        OpaqueTokens((b"o" * 32,), secrets.token_bytes),
        OpaqueTokens((b"n" * 32,), secrets.token_bytes),
    )
    both = OpaqueTokens((b"n" * 32, b"o" * 32), secrets.token_bytes)
    assert both.has_valid_tag(old.make())
    assert new.has_valid_tag(both.make())
    assert not old.has_valid_tag(both.make())


def test_a_forged_token_is_not_ours_however_often_it_comes() -> None:
    tokens = OpaqueTokens((b"k" * 32,), secrets.token_bytes)
    forged = OpaqueTokens((b"o" * 32,), secrets.token_bytes).make()
    assert [tokens.has_valid_tag(forged) for _ in range(3)] == [False] * 3
    # However many others come between.
    for number in range(3000):
        assert not tokens.has_valid_tag(f"gpt_{number:065d}")
    assert not tokens.has_valid_tag(forged)
    assert tokens.has_valid_tag(tokens.make())


def test_a_token_that_is_given_out_again_is_ours_though_others_were_forged() -> None:
    tokens = OpaqueTokens((b"k" * 32,), secrets.token_bytes)
    real = tokens.make()
    assert not tokens.has_valid_tag(real[:-1] + ("A" if real[-1] != "A" else "B"))
    assert tokens.has_valid_tag(real)

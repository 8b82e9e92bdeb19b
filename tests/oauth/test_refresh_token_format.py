import secrets

from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.opaque_tokens import OpaqueTokens
from gateway.oauth.refresh_token_format import PREFIX, RefreshTokens, family, invalid_grant

TOKENS = RefreshTokens((b"k" * 32,), secrets.token_bytes)


def test_a_family_keeps_its_name_and_nothing_else() -> None:
    first = TOKENS.first()
    second, third = TOKENS.next(first), TOKENS.next(first)
    assert family(first) == family(second) == family(third)
    assert len({first, second, third}) == 3
    assert all(TOKENS.has_valid_tag(token) for token in (first, second, third))
    assert family(TOKENS.first()) != family(first)


def test_each_has_240_random_bits_of_its_own() -> None:
    own = [TOKENS.next(first := TOKENS.first())[len(PREFIX) + 24 :][:40] for _ in range(20)]
    assert first.startswith(PREFIX)
    assert len(set(own)) == len(own)
    assert 40 * 6 == 240


def test_a_token_under_another_key_or_of_another_kind_is_not_ours() -> None:
    assert not RefreshTokens((b"x" * 32,), secrets.token_bytes).has_valid_tag(TOKENS.first())
    assert not TOKENS.has_valid_tag(OpaqueTokens((b"k" * 32,), secrets.token_bytes).make())
    assert not OpaqueTokens((b"k" * 32,), secrets.token_bytes).has_valid_tag(TOKENS.first())


@given(st.text() | st.text("gpr_A-", min_size=88, max_size=92))
def test_no_made_up_text_is_ours(text: str) -> None:
    assert not TOKENS.has_valid_tag(text)
    assert not TOKENS.has_valid_tag(PREFIX + text)


def test_why_it_is_refused_nobody_is_told() -> None:
    assert invalid_grant().body["error"] == "invalid_grant"

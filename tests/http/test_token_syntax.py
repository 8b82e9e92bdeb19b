import pytest

from gateway.http.token_syntax import check_token, is_token


@pytest.mark.parametrize("text", ["GET", "X-Canary", "!#$%&'*+-.^_`|~09azAZ", "x" * 128])
def test_a_token_is_recognised(text: str) -> None:
    assert is_token(text)
    assert check_token(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a:b", "(a)", "a\n", "é", '"a"', "x" * 129])
def test_what_is_no_token_is_refused(text: str) -> None:
    assert not is_token(text)
    with pytest.raises(ValueError, match="must be the name"):
        check_token(text)

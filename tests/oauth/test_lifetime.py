import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.lifetime import LifetimeRules

RULES = LifetimeRules(default=3600, maximum=86_400)


def test_the_nearest_wish_wins() -> None:
    assert RULES.lifetime(None, None) == 3600
    assert RULES.lifetime(600, None) == 600
    assert RULES.lifetime(600, "3200") == 3200


@pytest.mark.parametrize(("text", "seconds"), [("1", 1), ("86400", 86_400), ("0060", 60)])
def test_the_bounds_belong_to_it(text: str, seconds: int) -> None:
    assert RULES.lifetime(None, text) == seconds


@pytest.mark.parametrize(
    "text", ["0", "-1", "86401", "1.5", "1e3", "abc", "", " 60", "60 ", "٣", "+5", "9" * 40, "60\n"]
)
def test_everything_else_is_an_invalid_request(text: str) -> None:
    with pytest.raises(OAuthError) as caught:
        RULES.lifetime(None, text)
    assert caught.value.error == "invalid_request"

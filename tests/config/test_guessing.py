import pytest

from gateway.config.guessing import GuessingSettings
from gateway.config.problems import ConfigurationError
from tests.config.example import settings


def test_guessing_is_limited_without_being_asked_to() -> None:
    assert settings("logging: {}").guessing == GuessingSettings(client=10, address=50, per=60)


def test_the_window_of_guessing_is_a_duration() -> None:
    assert settings("guessing: {client: 3, address: 9, per: 1h}").guessing.per == 3600


@pytest.mark.parametrize("wrong", ["client: 0", "address: -1", "per: 0s", "per: 1.5s", "clients: 3"])
def test_guessing_can_not_be_switched_off_by_mistake(wrong: str) -> None:
    with pytest.raises(ConfigurationError):
        settings(f"guessing: {{{wrong}}}")

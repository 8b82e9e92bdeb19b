import pytest

from gateway.accounts.common_passwords import is_common


@pytest.mark.parametrize(
    "password", ["password", "12345678", "iloveyou", "QwertyUiop", "Password123!", "2026sunshine", "!dragon!"]
)
def test_what_everybody_uses_is_common(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    ["correct horse", "orange kettle moon", "9384756102x", "gps_4fJx0aQz", "пароль-длинный", ""],
)
def test_what_few_use_is_not_common(password: str) -> None:
    assert not is_common(password)

"""What programs may send."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.portal.api.request_bodies import ApplicationBody, GenerateKeysBody, GenerateTokenBody


def test_members_of_other_gateways_are_let_be() -> None:
    body = ApplicationBody.model_validate(
        {"name": "Shop", "tokenType": "JWT", "groups": [], "attributes": {}}
    )
    assert (body.name, body.description) == ("Shop", None)


@pytest.mark.parametrize("name", ["", " ", "n" * 71, "a\nb", 7, None])
def test_a_name_is_one_line_of_text(name: object) -> None:
    with pytest.raises(ValidationError):
        ApplicationBody.model_validate({"name": name})


@pytest.mark.parametrize("seconds", [1, "1", "3600"])
def test_a_lifetime_is_a_number_or_its_digits(seconds: object) -> None:
    wanted = {"keyType": "SANDBOX", "grantTypesToBeSupported": [], "validityTime": seconds}
    assert GenerateKeysBody.model_validate(wanted).validityTime == seconds


@pytest.mark.parametrize("seconds", [0, -1, "0", "1h", 1.5, True])
def test_what_is_no_lifetime_is_refused(seconds: object) -> None:
    with pytest.raises(ValidationError):
        GenerateTokenBody.model_validate({"validityPeriod": seconds})

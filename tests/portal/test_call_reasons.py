"""Why a call was not answered by its API."""

import pytest

from gateway.portal.call_reasons import reason_text


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (429, "900800", "900800 Too many requests"),
        (403, "900910", "900910 Not allowed"),
        (418, "teapot", "teapot"),
        (499, "", "The client left"),
        (404, "", ""),
        (200, "", ""),
    ],
)
def test_a_refusal_has_its_code_and_title(status: int, code: str, text: str) -> None:
    assert reason_text(status, code) == text

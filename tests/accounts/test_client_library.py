"""What is shown of a User-Agent."""

import pytest

from gateway.accounts.client_library import library_of

SAFARI = b"Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15"
EDGE = b"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0"


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (b"python-requests/2.32.3", "python-requests/2.32.3"),
        (b"okhttp/4.12.0 (secret comment) more/1", "okhttp/4.12.0"),
        (b"Go-http-client/1.1", "Go-http-client/1.1"),
        (b"curl", "curl"),
        (SAFARI, "Safari/17.4"),
        (EDGE, "Edge/126.0"),
        (b"Mozilla/5.0 (X11; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox/127.0"),
        (b"Mozilla/5.0 (compatible)", "Mozilla/5.0"),
        (b"<script>alert(1)</script>", ""),
        (b"\xff\xfe", ""),
        (b"a" * 5000, "a" * 40),
        (b"name/" + b"9" * 5000, "name/" + "9" * 20),
        (b"=HYPERLINK()", ""),
        (b"", ""),
    ],
)
def test_of_a_user_agent_the_product_is_shown(agent: bytes, shown: str) -> None:
    assert library_of([(b"Host", b"x"), (b"User-Agent", agent)]) == shown


def test_who_does_not_say_is_not_named() -> None:
    assert library_of([]) == ""

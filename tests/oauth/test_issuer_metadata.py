"""Which documents are taken for an issuer's metadata."""

from __future__ import annotations

import pytest

from gateway.oauth.issuer_metadata import read_metadata

ISSUER = "https://issuer.example"


def test_metadata_of_the_issuer_that_was_asked_is_taken() -> None:
    document = b'{"issuer": "https://issuer.example", "jwks_uri": "https://issuer.example/keys"}'
    assert read_metadata(document, ISSUER)["jwks_uri"] == "https://issuer.example/keys"


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]", b"{}", b'{"issuer": "https://issuer.example/"}', b'{"issuer": 1}', b"[" * 100_000],
    ids=["nothing", "half", "list", "no issuer", "another issuer", "number", "too deep"],
)
def test_metadata_of_nobody_or_of_another_issuer_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whose text is json's, in part)
        read_metadata(document, ISSUER)

from gateway.http.exchange import Header
from gateway.oauth.client_claims import CLAIMS
from gateway.oauth.model import TokenInfo
from gateway.proxy.forward_head import build_forward_head
from plugins.claim_headers import ClaimHeaders
from tests.plugins.exchanges import exchange, made


def sent(claims: str | None, *headers: Header) -> list[Header]:
    """The tenant's headers that go upstream."""
    plugin, one = made(ClaimHeaders, claims={"tenant": "X-Tenant"}), exchange("/orders/7", *headers)
    extra = {} if claims is None else {CLAIMS: claims}
    one.token = TokenInfo("shop", (), (), "shop", 0, 1, "client_credentials", extra=extra)
    one.forward = build_forward_head(one)
    plugin.on_forward(one)
    return [item for item in one.forward.headers if b"enant" in item[0]]


def test_a_claim_goes_into_its_header_and_replaces_every_spelling_of_it() -> None:
    outside = [(b"x-tenant", b"evil"), (b"X_Tenant", b"evil"), (b"X.TENANT", b"evil")]
    assert sent('{"tenant":"acme"}', *outside) == [(b"X-Tenant", b"acme")]
    assert sent(None, *outside) == []


def test_what_a_header_can_not_carry_is_encoded() -> None:
    assert sent('{"tenant":"a\\nb%"}') == [(b"X-Tenant", b"a%0Ab%25")]
    assert sent('{"tenant":true}') == [(b"X-Tenant", b"true")]
    assert sent('{"tenant":7}') == [(b"X-Tenant", b"7")]

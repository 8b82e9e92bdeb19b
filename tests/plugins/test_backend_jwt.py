from gateway.http.exchange import Header
from gateway.oauth.caller_facts import AssertionRules
from gateway.oauth.model import TokenInfo
from gateway.plugin import PluginContext
from gateway.proxy.forward_head import build_forward_head
from plugins.backend_jwt import BackendJwt
from tests.plugins.exchanges import exchange, made

TOKEN = TokenInfo("shop", (), (), "shop", 0, 1, "client_credentials")
OUTSIDE: list[Header] = [(b"X-JWT-Assertion", b"evil"), (b"x_jwt.assertion", b"evil"), (b"X-Other", b"1")]


class Assertions:
    """Says for whom and what it was asked."""

    def __init__(self) -> None:
        self.kept: str | None = None

    def known(self, token: TokenInfo, rules: AssertionRules) -> str | None:
        return self.kept

    async def made(self, token: TokenInfo, rules: AssertionRules) -> str:
        self.kept = f"{token.client} {rules.api} {rules.dialect} {rules.lifetime} {rules.audience}"
        return self.kept


async def sent(token: TokenInfo | None, assertions: Assertions | None, **config: object) -> list[Header]:
    """The headers that go upstream, without the usual ones."""
    context = PluginContext(lambda: 0.0, assertions=assertions)
    plugin, one = made(BackendJwt, context, **config), exchange("/orders/7", *OUTSIDE)
    one.token = token
    one.forward = build_forward_head(one)
    waiting = plugin.on_forward(one)
    if waiting is not None:
        await waiting
    return [item for item in one.forward.headers if b"assertion" in item[0].lower()]


async def test_the_callers_own_header_goes_and_a_signed_one_comes() -> None:
    assertions = Assertions()
    expected = [(b"X-JWT-Assertion", b"shop /orders http://wso2.org/claims/ 60 None")]
    assert await sent(TOKEN, assertions) == expected
    assert await sent(TOKEN, assertions) == expected


async def test_header_dialect_life_and_audience_can_be_chosen() -> None:
    found = await sent(
        TOKEN, Assertions(), header="Assertion", dialect="", lifetime="5m", audience="https://orders.example"
    )
    assert found[-1] == (b"Assertion", b"shop /orders  300 https://orders.example")


async def test_on_open_routes_there_is_none() -> None:
    assert await sent(None, Assertions()) == []
    assert await sent(TOKEN, None) == []

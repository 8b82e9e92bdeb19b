import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.cached_response_head import CachedResponseHead
from gateway.http.exchange import Exchange, Headers
from gateway.http.forwarding_headers import client_head
from gateway.http.header_names import HOP_BY_HOP
from gateway.http.response_framing import response_framing, response_head
from gateway.plugin import ProxyPlugin
from gateway.proxy.head_only_hooks import Hook, apply_to_response
from gateway.proxy.response_rendering import head_for_plugins, render_cached, render_changed

LENGTH = b"content-length: 3\r\n"
ADDED: Headers = [(b"X-Request-Id", b"1"), (b"X-B", b"2")]


class Shaping(ProxyPlugin):
    def on_response(self, exchange: Exchange) -> None:
        assert exchange.response is not None
        exchange.response.status += 1
        exchange.response.set("X-A", "shaped")
        exchange.response.headers.append((b"X-D", b"4"))


def shaping() -> tuple[Hook, ...]:
    return (Shaping.__new__(Shaping).on_response,)


HOOKS = shaping()


def the_long_way(
    head: CachedResponseHead, hooks: tuple[Hook, ...], added: Headers, *, keep_alive: bool
) -> tuple[int, bytes]:
    framing = response_framing("GET", (1, 1), head)
    seen = apply_to_response(hooks, client_head(head))
    seen.headers = seen.headers + added
    return seen.status, response_head(seen, framing, keep_alive=keep_alive, version=(1, 1))


FRAMINGS = pytest.mark.parametrize(
    ("framing", "length"), [(LENGTH, 3), (b"Transfer-Encoding: chunked\r\n", None)], ids=["length", "chunked"]
)


@FRAMINGS
@pytest.mark.parametrize("added", [[], ADDED[:1], ADDED], ids=["plain", "one", "added"])
@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "closed"])
def test_it_makes_the_same_bytes_as_the_long_way(
    added: Headers, keep_alive: bool, framing: bytes, length: int | None
) -> None:
    lines = (
        b"X-A: \xe9\r\nX-A: \r\nConnection: keep-alive\r\n"
        + framing
        + b"x-connection: a: b\r\nKeep-Alive: 5\r\n"
    )
    head = CachedResponseHead(200, b"Fine", lines, length)
    for hooks in ((), (), HOOKS, HOOKS, (), shaping()):  # worked out, and remembered
        made = render_cached(head, hooks, added, keep_alive=keep_alive)
        assert made == the_long_way(head, hooks, added, keep_alive=keep_alive)


def test_routes_with_the_same_hooks_share_what_is_remembered() -> None:
    asked: list[Exchange] = []

    class Counting(Shaping):
        def on_response(self, exchange: Exchange) -> None:
            asked.append(exchange)
            super().on_response(exchange)

    plugin, head = Counting.__new__(Counting), CachedResponseHead(200, b"Fine", LENGTH, 3)
    first = head_for_plugins(head, (plugin.on_response,), ADDED)
    assert head_for_plugins(head, (plugin.on_response,), ADDED) == first
    assert render_cached(head, (plugin.on_response,), ADDED, keep_alive=True)[0] == first.status
    assert len(asked) == 1
    assert head_for_plugins(head, (), ADDED) != first


@FRAMINGS
@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "closed"])
def test_what_plugins_change_is_as_on_the_long_way(
    keep_alive: bool, framing: bytes, length: int | None
) -> None:
    head = CachedResponseHead(200, b"Fine", b"X-A: 1\r\nConnection: keep-alive\r\n" + framing, length)
    told = response_framing("GET", (1, 1), head)
    for hooks in ((), (), HOOKS, HOOKS):  # worked out, and remembered
        seen = head_for_plugins(head, hooks, ADDED)
        _, expected = the_long_way(head, hooks, ADDED, keep_alive=keep_alive)
        assert render_changed(head, seen, keep_alive=keep_alive) == expected
        seen.status, seen.reason = 299, b"Else"
        seen.set("X-A", "2")
        seen.remove("X-B")
        seen.headers.append((b"X-C", b"3"))
        expected = response_head(seen, told, keep_alive=keep_alive, version=(1, 1))
        assert render_changed(head, seen, keep_alive=keep_alive) == expected


NAMES = st.sampled_from([*sorted(HOP_BY_HOP - {b"connection", b"transfer-encoding"}), b"x-te", b"via"])


@given(st.lists(st.tuples(NAMES, st.sampled_from([b"", b"a", b"te: b"]), st.booleans())))
def test_whatever_the_headers(headers: list[tuple[bytes, bytes, bool]]) -> None:
    lines = b"".join(b"%s: %s\r\n" % (name.title() if up else name, value) for name, value, up in headers)
    head = CachedResponseHead(404, b"", LENGTH + lines, 3)
    for hooks in ((), HOOKS):
        made = render_cached(head, hooks, ADDED, keep_alive=True)
        assert made == the_long_way(head, hooks, ADDED, keep_alive=True)

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from gateway.errors import StoreUnavailable
from gateway.store import TrackedCache
from tests.conftest import Valkey
from tests.store.stage import answers, linked, relay, until


async def test_names_itself_and_chooses_the_database(own_valkey: Valkey) -> None:
    async with linked(f"{own_valkey.url}?db=3", tracking=True) as link:
        await link.execute("SET", "k", "v")
        with own_valkey.client as other:
            (client,) = [entry for entry in other.client_list() if entry["name"] == "gatepost"]

    assert client["db"] == "3"
    assert "t" in client["flags"]


@pytest.mark.parametrize("who", [":hidden", "default:hidden", "someone:other"])
async def test_logs_in(own_valkey: Valkey, who: str) -> None:
    with own_valkey.client as other:
        other.acl_setuser("someone", enabled=True, passwords=["+other"], commands=["+@all"], keys=["*"])
        other.config_set("requirepass", "hidden")
        async with linked(f"unix://{who}@{own_valkey.path}") as link:
            await link.ping()


@pytest.mark.parametrize(
    ("who", "reason"), [("", "asks for a password"), (":wrong@", "does not accept the user and password")]
)
async def test_says_why_it_is_not_let_in(
    own_valkey: Valkey, who: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with own_valkey.client as other:
        other.config_set("requirepass", "hidden")
    async with linked(f"unix://{who}{own_valkey.path}", timeout=0.2) as link:
        with pytest.raises(StoreUnavailable, match=reason):
            await link.ping()

    assert reason in caplog.text
    assert "wrong" not in caplog.text


async def test_a_database_that_is_not_there_is_an_error(valkey: Valkey) -> None:
    async with linked(f"{valkey.url}?db=99", timeout=0.2) as link:
        with pytest.raises(StoreUnavailable, match="out of range"):
            await link.ping()


async def test_over_tls_the_server_must_be_the_one_that_is_named(valkey: Valkey, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)

    async with relay(valkey, tls) as passing:
        at = f"localhost:{passing.port}"
        async with linked(f"rediss://{at}?ssl_ca_certs={tmp_path}/ca.pem") as link:
            assert await link.execute("ECHO", "private") == b"private"
        async with linked(f"rediss://{at}?ssl_ca_certs={tmp_path}/stranger.pem", timeout=0.3) as link:
            with pytest.raises(StoreUnavailable):
                await link.ping()
        numeric = f"rediss://127.0.0.1:{passing.port}"
        async with linked(f"{numeric}?ssl_ca_certs={tmp_path}/ca.pem", timeout=0.3) as link:
            with pytest.raises(StoreUnavailable):
                await link.ping()
        async with linked(f"{numeric}?ssl_ca_certs={tmp_path}/ca.pem&ssl_check_hostname=no") as link:
            await link.ping()


@pytest.fixture
def old_valkey() -> Iterator[Valkey]:
    """A server that knows no HELLO, as before Redis 6."""
    server = Valkey("--rename-command", "HELLO", "", "--requirepass", "hidden")
    server.start()
    yield server
    server.remove()


async def test_a_server_without_resp3_is_used_without_tracking(
    old_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"unix://:hidden@{old_valkey.path}?db=3"
    async with linked(url, tracking=True) as link:
        assert link.tracking_problem == "the server knows no RESP3"
        await link.execute("SET", "k", "v")
        assert await link.execute("GET", "k") == b"v"
        assert abs(link.clock() - time.time()) < 2
        link.drop("for a test")
        await until(lambda: answers(link))
    assert sum("each request asks the store" in record.message for record in caplog.records) == 1


async def test_a_wrong_password_is_reported_by_a_server_without_resp3_too(old_valkey: Valkey) -> None:
    async with linked(f"unix://:wrong@{old_valkey.path}", timeout=0.2) as link:
        with pytest.raises(StoreUnavailable, match="does not accept the user and password"):
            await link.ping()


async def test_where_tracking_is_refused_the_link_works_without_it_and_says_so_once(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    with own_valkey.client as other:
        commands = ["+@all", "-client"]
        other.acl_setuser("limited", enabled=True, passwords=["+pw"], commands=commands, keys=["*"])
    cache = TrackedCache[str, str]()
    async with linked(f"unix://limited:pw@{own_valkey.path}", tracking=True, listener=cache) as link:
        assert "client" in str(link.tracking_problem)
        cache.put("name", "value", ["k"])
        assert cache.get("name") is None, "nobody would say that it has changed"
        link.drop("for a test")
        await until(lambda: answers(link))
    assert sum("each request asks the store" in record.message for record in caplog.records) == 1

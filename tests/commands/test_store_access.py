"""The store as a command reaches it: a server's, a running gateway's, or one started for the moment."""

from pathlib import Path

import pytest

from gateway.store.embedded import EmbeddedStore, running_url
from gateway.store.embedded.lock import FileLock
from tests.commands.conftest import gatepost, said, shown
from tests.conftest import Valkey


@pytest.fixture
def embedded(file: Path) -> Path:
    """The state directory of a file that says `embedded`."""
    file.write_text("store: {url: embedded}\nserver: {state_dir: state}\n")
    return file.parent / "state"


def test_an_embedded_store_is_started_for_the_moment_and_keeps_what_it_is_told(embedded: Path) -> None:
    made = shown("client", "create", "--id", "shop")
    assert running_url(embedded) is None
    lock = FileLock(embedded / "store" / "server.lock")
    assert lock.take(), "its server still runs"
    lock.release()
    assert shown("client", "show", "shop")["secrets"] == made["secrets"]


def test_a_running_gateways_store_is_used_and_left_running(embedded: Path) -> None:
    store = EmbeddedStore(embedded)
    url = store.start()
    try:
        shown("client", "create", "--id", "shop")
        assert shown("client", "show", "shop")["client_id"] == "shop"
        assert running_url(embedded) == url
        assert store.ensure()
    finally:
        store.stop()
    assert shown("client", "show", "shop")["client_id"] == "shop"


def test_a_gateway_that_was_killed_leaves_an_address_that_stops_nobody(embedded: Path) -> None:
    shown("client", "create", "--id", "shop")
    (embedded / "store" / "url").write_text(f"unix://{embedded}/store/valkey.sock")
    assert shown("client", "show", "shop")["client_id"] == "shop"


def test_a_directory_that_can_not_be_used_is_named(embedded: Path) -> None:
    embedded.write_text("a file")
    line = said("client", "list")
    assert line.startswith(f"gatepost: server.state_dir {embedded} can't be used: ")


@pytest.mark.parametrize("command", ["client list", "client create", "client show a", "keys list"])
def test_a_store_that_is_away_is_said_in_a_line(file: Path, own_valkey: Valkey, command: str) -> None:
    file.write_text(f"store: {{url: '{own_valkey.url}', timeout: 200ms}}\n")
    own_valkey.kill()
    line = said(*command.split())
    assert line.startswith("gatepost: ")
    assert "store" in line


def test_a_store_that_says_nothing_is_waited_for_no_longer_than_it_should_be(
    file: Path, own_valkey: Valkey
) -> None:
    file.write_text(f"store: {{url: '{own_valkey.url}', timeout: 200ms}}\n")
    own_valkey.freeze()
    try:
        assert "store" in said("client", "list")
    finally:
        own_valkey.thaw()


def test_the_password_of_the_store_is_not_repeated(file: Path) -> None:
    file.write_text("store: {url: 'redis://u:hidden@127.0.0.1:1', timeout: 200ms}\n")
    result = gatepost("client", "list")
    assert result.exit_code == 1
    assert "hidden" not in result.output

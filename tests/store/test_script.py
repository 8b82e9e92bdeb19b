import hiredis
import pytest

from gateway.store import Script
from tests.conftest import Valkey


def test_its_digest_is_the_one_the_server_gives_it(valkey: Valkey) -> None:
    script = Script("one", "return 'ä'")

    with valkey.client as other:
        assert other.script_load(script.source) == script.digest


@pytest.mark.parametrize("args", [(), ("a",), ("p%s:g:", "100%", "", "ä")])
@pytest.mark.parametrize("key", ["k", "p%d:t:ü", ""])
def test_a_prepared_script_goes_over_the_wire_as_any_command_does(args: tuple[str, ...], key: str) -> None:
    script = Script("one", "return 1")
    prepared = script.prepared(*args)
    words = ("EVALSHA", script.digest, "1", key, *args)
    assert prepared.words(key) == words
    assert prepared.render(key.encode()) == hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub says a 1-tuple

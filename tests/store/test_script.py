from gateway.store import Script
from tests.conftest import Valkey


def test_its_digest_is_the_one_the_server_gives_it(valkey: Valkey) -> None:
    script = Script("one", "return 'ä'")

    with valkey.client as other:
        assert other.script_load(script.source) == script.digest

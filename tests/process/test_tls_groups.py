"""The curves themselves are tested by handshakes in test_tls.py; here is where they are set."""

import ssl

from gateway.process.tls_groups import GROUPS, set_groups


def test_a_python_that_can_set_a_list_does() -> None:
    given: list[str] = []

    class Newer(ssl.SSLContext):
        def set_groups(self, groups: str) -> None:
            given.append(groups)

    set_groups(Newer(ssl.PROTOCOL_TLS_SERVER))
    assert given == [":".join(GROUPS)]

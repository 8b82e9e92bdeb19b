"""The curves themselves are tested by handshakes in test_tls.py; here is where they are set."""

import ssl

import pytest

from gateway.process import tls_groups
from gateway.process.tls_groups import GROUPS, set_groups


def test_a_python_that_can_set_a_list_does(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    class Newer(ssl.SSLContext):
        def set_groups(self, groups: str) -> None:
            given.append(groups)

    set_groups(Newer(ssl.PROTOCOL_TLS_SERVER))
    assert given == [":".join(GROUPS)]


@pytest.mark.parametrize("unlike", ["another version", "another Python"])
def test_an_openssl_that_is_not_that_of_the_module_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, unlike: str
) -> None:
    if unlike == "another version":
        monkeypatch.setattr(ssl, "OPENSSL_VERSION_NUMBER", 0x10101000)
    else:
        monkeypatch.setattr(tls_groups.sys.implementation, "name", "pypy")
    assert tls_groups._openssl() is None

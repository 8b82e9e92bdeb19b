"""OpenSSL's own functions are called only where it is certain that they are those of the module `ssl`."""

import ssl

import pytest

from gateway.process import openssl


@pytest.mark.parametrize("unlike", ["another version", "another Python"])
def test_an_openssl_that_is_not_that_of_the_module_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, unlike: str
) -> None:
    if unlike == "another version":
        monkeypatch.setattr(ssl, "OPENSSL_VERSION_NUMBER", 0x10101000)
    else:
        monkeypatch.setattr(openssl.sys.implementation, "name", "pypy")
    assert openssl.library_of_ssl() is None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert openssl.control(context, 59, 80, b"k" * 80) is None


def test_a_control_reaches_the_context_of_the_module() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert openssl.control(context, 59, 80, b"k" * 80) == 1
    assert openssl.control(context, 59, 79, b"k" * 79) == 0  # OpenSSL has looked at what it was given

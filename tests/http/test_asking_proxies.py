"""Who may ask as a proxy does."""

from hashlib import sha256

from cryptography import x509

from gateway.http.asking_proxies import AskingProxies
from gateway.http.exchange import Header
from gateway.http.forwarded import TrustedProxies, direct_peer
from tests.certificates import Certificate

TRUSTED = TrustedProxies(["10.0.0.0/8", "unix:"])
SECRETS = tuple(sha256(secret).digest() for secret in (b"old-old-old-old-1", b"new-new-new-new-1"))
CA = Certificate("CN=ca", authority=True)
PROXY = Certificate(names=(x509.DNSName("proxy.example"),), issuer=CA)
OTHER = Certificate(names=(x509.DNSName("other.example"),), issuer=CA)
FOR: list[Header] = [(b"X-Forwarded-For", b"192.0.2.9, 10.0.0.9")]


def asks(
    proxies: AskingProxies, address: str, *headers: Header, certificate: bytes | None = None
) -> str | None:
    """The address of the client that the proxy asks for; None: it may not ask."""
    peer = proxies.peer(direct_peer(address, "http", certificate), [*FOR, *headers])
    return None if peer is None else peer.address


def test_a_trusted_proxy_may_ask_and_nobody_else() -> None:
    proxies = AskingProxies(TRUSTED)
    assert asks(proxies, "10.0.0.1") == "192.0.2.9"
    assert asks(proxies, "unix:") == "192.0.2.9"
    assert asks(proxies, "192.0.2.1") is None
    assert asks(AskingProxies(TrustedProxies([])), "127.0.0.1") is None
    assert proxies.needs == "it is none of server.trusted_proxies"


def test_where_there_are_secrets_one_must_be_shown_and_is_enough() -> None:
    proxies = AskingProxies(TRUSTED, SECRETS)
    for secret in (b"old-old-old-old-1", b"new-new-new-new-1"):
        shown = (b"X-Forward-Auth-Secret", secret)
        assert asks(proxies, "203.0.113.1", shown) == "192.0.2.9"
        assert asks(proxies, "10.0.0.1", shown, shown) is None
    assert asks(proxies, "10.0.0.1", (b"X-Forward-Auth-Secret", b"wrong")) is None
    assert asks(proxies, "10.0.0.1") is None
    assert "server.forward_auth.secrets" in proxies.needs


def test_where_there_is_a_certificate_it_must_be_the_connections_own() -> None:
    proxies = AskingProxies(TRUSTED, subject=("san_dns", "proxy.example"))
    assert asks(proxies, "203.0.113.1", certificate=PROXY.der) == "192.0.2.9"
    assert asks(proxies, "10.0.0.1", certificate=OTHER.der) is None
    assert asks(proxies, "10.0.0.1") is None
    assert "server.forward_auth.tls_client_auth" in proxies.needs


def test_either_is_enough_where_both_are_configured() -> None:
    proxies = AskingProxies(TRUSTED, SECRETS, ("san_dns", "proxy.example"))
    assert asks(proxies, "203.0.113.1", certificate=PROXY.der) == "192.0.2.9"
    assert asks(proxies, "203.0.113.1", (b"X-Forward-Auth-Secret", b"new-new-new-new-1")) == "192.0.2.9"
    assert asks(proxies, "10.0.0.1", certificate=OTHER.der) is None

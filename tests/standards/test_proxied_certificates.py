"""Clients whose certificate a proxy tells of: Envoy, nginx, AWS's load balancer and RFC 9440."""

import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from cryptography import x509

from tests.certificates import Certificate
from tests.conftest import Valkey
from tests.standards.caller import FORM, Caller, Reply, served, standard_config

CA = Certificate("CN=ca", authority=True)
SHOP = Certificate(names=(x509.DNSName("shop.example"),), issuer=CA)
OTHER = Certificate(names=(x509.DNSName("other.example"),), issuer=CA)


def pem(certificate: Certificate, safe: str = "") -> str:
    return quote(certificate.pem.decode(), safe=safe)


def byte_sequence(certificate: Certificate) -> str:
    return f":{base64.b64encode(certificate.der).decode()}:"


FORMS: dict[str, Callable[[Certificate], str]] = {
    "Client-Cert": byte_sequence,
    "X-Forwarded-Client-Cert": lambda one: f'By=spiffe://a/gw;Hash=1;Cert="{pem(one)}";Subject="CN=a,O=b"',
    "X-SSL-Client-Cert": pem,
    "X-Amzn-Mtls-Clientcert-Leaf": lambda one: pem(one, "+=/"),
}


def ask(caller: Caller, **headers: str) -> Reply:
    form = {"grant_type": "client_credentials", "client_id": "shop"}
    return caller.ask("POST", "/token", urlencode(form).encode(), {"Content-Type": FORM, **headers})


@pytest.mark.parametrize("header", FORMS)
def test_the_configured_header_alone_tells_of_a_certificate(
    header: str, tmp_path: Path, valkey: Valkey, upstream: str, prefix: str
) -> None:
    config = standard_config(tmp_path, upstream, store={"url": valkey.url, "prefix": prefix})
    config["server"] |= {"trusted_proxies": ["127.0.0.1"], "client_certificate_header": header}
    config["clients"] = [{"id": "shop", "tls_client_auth": {"san_dns": "shop.example"}}]
    with served(config, tmp_path) as caller:
        assert ask(caller, **{header: FORMS[header](SHOP)}).status == 200
        assert ask(caller, **{header: FORMS[header](OTHER)}).error == "invalid_client"
        assert ask(caller).error == "invalid_client"
        for another in FORMS.keys() - {header}:
            assert ask(caller, **{another: FORMS[another](SHOP)}).error == "invalid_client"


def test_from_a_stranger_no_header_tells_of_a_certificate(
    tmp_path: Path, valkey: Valkey, upstream: str, prefix: str
) -> None:
    config = standard_config(tmp_path, upstream, store={"url": valkey.url, "prefix": prefix})
    header = "X-Forwarded-Client-Cert"
    config["server"] |= {"trusted_proxies": ["10.0.0.1"], "client_certificate_header": header}
    config["clients"] = [{"id": "shop", "tls_client_auth": {"san_dns": "shop.example"}}]
    with served(config, tmp_path) as caller:
        for name, form in FORMS.items():
            assert ask(caller, **{name: form(SHOP)}).error == "invalid_client"

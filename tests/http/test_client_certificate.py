"""Certificates as proxies tell of them."""

import base64
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.http.client_certificate import LONGEST, certificate_reader
from tests.certificates import Certificate

ONE, OTHER = Certificate(), Certificate("CN=other")


def der(certificate: Certificate) -> bytes:
    return certificate.certificate.public_bytes(Encoding.DER)


def pem(certificate: Certificate) -> str:
    return certificate.certificate.public_bytes(Encoding.PEM).decode()


NGINX = quote(pem(ONE), safe="")
AWS = quote(pem(ONE), safe="+=/")
ENVOY = f'By=spiffe://a/b;Hash=0af1;Cert="{NGINX}";Subject="CN=client, O=a;b";URI=spiffe://a/c'
RFC = f":{base64.b64encode(der(ONE)).decode()}:"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Client-Cert", RFC),
        ("X-SSL-Client-Cert", NGINX),
        ("ssl-client-cert", quote(pem(ONE) + pem(OTHER), safe="")),
        ("X-Amzn-Mtls-Clientcert-Leaf", AWS),
        ("X-Forwarded-Client-Cert", ENVOY),
        ("X-Forwarded-Client-Cert", f'Cert="{quote(pem(OTHER), safe="")}",{ENVOY}'),
        ("X-Forwarded-Client-Cert", f'Hash=1;Subject="x", {ENVOY}'),
    ],
)
def test_each_proxys_form_is_read_from_its_header(header: str, value: str) -> None:
    read = certificate_reader(header)
    assert read([(header.lower().encode(), value.encode())]) == der(ONE)
    assert read([(b"x-other", value.encode())]) is None


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Client-Cert", NGINX),
        ("Client-Cert", ":"),
        ("Client-Cert", "::"),
        ("X-SSL-Client-Cert", RFC),
        ("X-SSL-Client-Cert", ""),
        ("X-SSL-Client-Cert", "%zz"),
        ("X-SSL-Client-Cert", NGINX[: len(NGINX) // 2]),
        ("X-Forwarded-Client-Cert", "Hash=1;Subject=x"),
        ("X-Forwarded-Client-Cert", f"{ENVOY},Hash=1"),
        ("X-Forwarded-Client-Cert", f'{ENVOY};Cert="{NGINX}"'),
        ("X-Forwarded-Client-Cert", f'Cert="{NGINX}'),
        ("X-Forwarded-Client-Cert", "="),
        ("X-SSL-Client-Cert", NGINX + "A" * LONGEST),
    ],
)
def test_anything_else_is_no_certificate(header: str, value: str) -> None:
    assert certificate_reader(header)([(header.encode(), value.encode())]) is None


def test_two_headers_are_no_certificate() -> None:
    headers = [(b"Client-Cert", RFC.encode())] * 2
    assert certificate_reader("Client-Cert")(headers) is None

"""What a certificate says."""

from ipaddress import ip_address

import pytest
from cryptography import x509

from gateway.config.certificate_files import TlsFileError, read_certificate
from tests.certificates import Certificate


def test_names_and_addresses_of_a_certificate_are_read() -> None:
    names = (x509.DNSName("*.Example.org"), x509.IPAddress(ip_address("::1")), x509.RFC822Name("a@b"))
    found = read_certificate(Certificate(names=names).pem + Certificate().pem)
    assert found.names == {"*.example.org", "::1"}
    assert 0 < found.not_after - found.not_before <= 3 * 86_400


@pytest.mark.parametrize("cut", [0, 10, 100, -20])
def test_a_chain_that_ends_within_a_certificate_is_refused(cut: int) -> None:
    pem = Certificate().pem
    with pytest.raises(TlsFileError, match="certificate"):
        read_certificate(b"" if not cut else pem + pem[:cut])


def test_nonsense_between_the_lines_is_refused() -> None:
    with pytest.raises(TlsFileError, match="can't be parsed"):
        read_certificate(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

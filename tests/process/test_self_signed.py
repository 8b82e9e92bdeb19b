"""A certificate is what was asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.process.self_signed import VALIDITY, make, read

NOW = datetime(2027, 1, 15, tzinfo=UTC)


def test_it_names_hosts_and_addresses() -> None:
    certificate, _ = make(["api.example.org", "127.0.0.1", "::1"], NOW)
    facts = read(certificate)
    assert facts.names == {"api.example.org", "127.0.0.1", "::1"}
    assert facts.expires == NOW + VALIDITY


def test_it_is_for_servers_and_no_authority_on_p256() -> None:
    loaded = x509.load_pem_x509_certificate(make(["localhost"], NOW)[0])
    public_key = loaded.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    assert isinstance(public_key.curve, ec.SECP256R1)
    assert not loaded.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert loaded.not_valid_before_utc <= NOW - timedelta(minutes=5), "clocks differ"


def test_what_is_no_certificate_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="PEM"):
        read(b"no certificate")

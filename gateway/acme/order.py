"""What to order, as a plain value that is handed to the process that orders it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

from gateway.config.acme import AcmeSettings


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """One certificate by ACME."""

    domains: tuple[str, ...]
    directory: str
    challenge: str
    """`http-01` or `tls-alpn-01`."""
    email: str | None = None
    eab: tuple[str, str] | None = None
    """Identifier and MAC key (base64url) of an external account."""
    ca: str | None = None
    """File of the CAs to trust for the directory; None: public ones."""

    @property
    def name(self) -> str:
        """The name of its files."""
        return self.domains[0]

    @property
    def certificate_digest(self) -> str:
        """Differs where another certificate is needed."""
        return _digest([self.directory, *self.domains])

    @property
    def digest(self) -> str:
        """Differs where another attempt may fare better."""
        known = None if self.eab is None else self.eab[0]
        return _digest([self.certificate_digest, self.challenge, self.email, known, self.ca])

    def to_json(self) -> str:
        """Serializes it, with the secret of `eab`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CertificateOrder:
        """Parses the output of `to_json`."""
        value = json.loads(text)
        eab = None if value["eab"] is None else tuple(value["eab"])
        return cls(**{**value, "domains": tuple(value["domains"]), "eab": eab})


def order_of(settings: AcmeSettings) -> CertificateOrder:
    """The order for the certificate that is configured."""
    eab = settings.eab
    return CertificateOrder(
        settings.domains,
        settings.directory,
        settings.challenge,
        settings.email,
        None if eab is None else (eab.key_id, eab.key.get_secret_value()),
        None if settings.ca is None else str(settings.ca),
    )


def _digest(parts: list[str | None]) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()

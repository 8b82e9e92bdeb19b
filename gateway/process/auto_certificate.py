"""`tls: auto`: a self-signed certificate, generated once and stored in the state directory."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import StartError
from gateway.runtime.private_file import write_private_file

RENEW_BEFORE = timedelta(days=30)
"""A certificate that expires within this time is replaced at the next start or reload."""

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def auto_certificate(state_dir: Path, host: str | None, clock: Clock) -> tuple[Path, Path]:
    """Paths of the certificate and its key; generates both if missing, mismatched, expiring or for other
    names.

    `host`: host name of the public URL. StartError if `state_dir` is not writable.
    """
    # `cryptography` is slow to import and not needed with a configured certificate.
    from gateway.process import self_signed  # noqa: PLC0415

    names = list(dict.fromkeys([*([host.lower()] if host else []), *_LOCAL_NAMES]))
    now = datetime.fromtimestamp(clock(), UTC)
    certificate, key = state_dir / "certificate.pem", state_dir / "key.pem"
    try:
        if not _is_usable(certificate, key, frozenset(names), now):
            certificate_pem, key_pem = self_signed.make(names, now)
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            # If the second write fails the files mismatch, and the next start generates both again.
            write_private_file(key, key_pem)
            write_private_file(certificate, certificate_pem)
    except OSError as error:
        raise StartError(f"can't keep a certificate in {state_dir}: {error.strerror or error}") from error
    return certificate, key


def _is_usable(certificate: Path, key: Path, names: frozenset[str], now: datetime) -> bool:
    """Whether the stored files match, cover exactly `names` and do not expire soon."""
    from gateway.process import self_signed  # noqa: PLC0415 (see above)

    if not (certificate.exists() and key.exists()):
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        info = self_signed.read(certificate.read_bytes())
    except (ssl.SSLError, ValueError):
        return False
    return info.names == names and info.expires - now > RENEW_BEFORE

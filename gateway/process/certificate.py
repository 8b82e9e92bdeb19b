"""The certificate of `tls: auto`: self-signed, made once, kept in the state directory."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from gateway.clock import Clock
from gateway.errors import StartError

RENEW_BEFORE = timedelta(days=30)
"""A certificate that ends within this time is replaced at the next start."""

_ALWAYS = ("localhost", "127.0.0.1", "::1")


def own_certificate(state_dir: Path, host: str | None, clock: Clock) -> tuple[Path, Path]:
    """The paths of the certificate and its key, made now if there is none that still serves.

    `host` is the name under which clients know the gateway. StartError where `state_dir` can't be written.
    """
    # Slow to import, and needed by nobody who brings a certificate along.
    from gateway.process import self_signed  # noqa: PLC0415

    names = list(dict.fromkeys([*([host.lower()] if host else []), *_ALWAYS]))
    now = datetime.fromtimestamp(clock(), UTC)
    certificate, key = state_dir / "certificate.pem", state_dir / "key.pem"
    try:
        if not _serves(certificate, key, frozenset(names), now):
            certificate_pem, key_pem = self_signed.make(names, now)
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Should the second write fail, the two are no pair, and the next start makes both anew.
            _put(key, key_pem)
            _put(certificate, certificate_pem)
    except OSError as error:
        raise StartError(f"can't keep a certificate in {state_dir}: {error.strerror or error}") from error
    return certificate, key


def _serves(certificate: Path, key: Path, names: frozenset[str], now: datetime) -> bool:
    """Whether what is kept is a pair, names the same hosts, and lasts."""
    from gateway.process import self_signed  # noqa: PLC0415 (see above)

    if not (certificate.exists() and key.exists()):
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        facts = self_signed.read(certificate.read_bytes())
    except (ssl.SSLError, ValueError):
        return False
    return facts.names == names and facts.ends - now > RENEW_BEFORE


def _put(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

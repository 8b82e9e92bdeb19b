"""The files of ACME in `state_dir`, for their owner only. Each is replaced whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from gateway.acme.order import CertificateOrder
from gateway.acme.progress import AcmeProgress
from gateway.runtime.private_file import write_private_file

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,255}")
"""RFC 8555 section 8.1: tokens are of the base64url alphabet."""
_MAX_ANSWER = 4096


class AcmeFolder:
    """`state_dir/acme`: accounts, certificates, how their orders fare, and answers to pending challenges."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "acme"
        self.http = self.path / "http-01"
        """A key authorization for each pending token."""
        self.tls = self.path / "tls-alpn-01"
        """A challenge certificate with its key for each pending domain."""

    def create(self) -> None:
        """Creates the folders. Raises OSError."""
        for folder in (self.path, self.http, self.tls):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def certificate(self, order: CertificateOrder) -> Path:
        """The certificate, its chain and its key, in one file: they never belong to different orders."""
        return self.path / f"{order.name}.pem"

    def account_key(self, directory: str) -> Path:
        """The private key of the account at an authority."""
        return self.path / f"account-{sha256(directory.encode()).hexdigest()[:16]}.pem"

    def account(self, directory: str) -> Path:
        """The account's address, as JSON."""
        return self.account_key(directory).with_suffix(".json")

    def progress(self, order: CertificateOrder) -> AcmeProgress:
        """How the orders have fared; as if there were none where that can't be read."""
        with suppress(OSError, ValueError):
            return AcmeProgress.from_json(self._progress_file(order).read_text(encoding="utf-8"))
        return AcmeProgress()

    def keep(self, order: CertificateOrder, progress: AcmeProgress) -> None:
        """Writes how the orders have fared. Raises OSError."""
        write_private_file(self._progress_file(order), progress.to_json().encode())

    def key_authorization(self, token: str) -> bytes | None:
        """The answer to an http-01 challenge (RFC 8555 section 8.3); None: no such one is pending."""
        if not _TOKEN.fullmatch(token):
            return None
        with suppress(OSError), (self.http / token).open("rb") as file:
            return file.read(_MAX_ANSWER)
        return None

    def challenge_certificate(self, domain: str) -> Path:
        """The file of a tls-alpn-01 challenge's certificate. `domain` is a configured one."""
        return self.tls / f"{domain}.pem"

    def answer_http(self, token: str, key_authorization: str) -> Path:
        """Answers an http-01 challenge from now on; the file ends it. Raises OSError."""
        if not _TOKEN.fullmatch(token):
            raise ValueError("the authority's token is malformed")
        write_private_file(self.http / token, key_authorization.encode())
        return self.http / token

    def answer_tls(self, domain: str, pem: bytes) -> Path:
        """Answers a tls-alpn-01 challenge from now on; the file ends it. Raises OSError."""
        file = self.challenge_certificate(domain)
        write_private_file(file, pem)
        return file

    def end_answers(self) -> None:
        """Ends what an order that was broken off has left. For the only process that orders."""
        for file in (*self.http.iterdir(), *self.tls.iterdir()):
            file.unlink(missing_ok=True)

    @contextmanager
    def only_one(self) -> Iterator[bool]:
        """Whether this is the only process that orders certificates, as long as the context is open."""
        held = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(held)

    def _progress_file(self, order: CertificateOrder) -> Path:
        return self.path / f"{order.name}.json"

"""The certificates in use, and those that replace them while the gateway runs.

Files are taken over whole or not at all. What is on disk may be half written, expired, or a key that belongs
to the previous certificate: then the certificate in use stays, also for workers that start meanwhile.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes

from gateway.clock import Clock
from gateway.config.certificate_files import CertificateFacts
from gateway.errors import StartError
from gateway.process.acme_certificate import ChallengeCertificates
from gateway.process.client_hello import ClientHello
from gateway.process.session_tickets import key_period, prepare_tickets, ticket_keys
from gateway.process.tls import ServerTlsFiles, load_context
from gateway.telemetry.snapshot import Gauges

log = logging.getLogger("gatepost")

CHECK_INTERVAL = 0.5
"""Seconds between two looks at the files. A change is taken over when two looks in a row see the same."""

FileState = tuple[tuple[int, int, int] | None, ...]
"""Inode, time of change in nanoseconds and size of each file; None for a missing one."""


@dataclass(frozen=True, slots=True)
class LoadedCertificate:
    """A certificate as it was read from its files."""

    context: ssl.SSLContext
    facts: CertificateFacts
    state: FileState
    period: int
    """Of the keys of its session tickets."""


class Certificates:
    """The last usable certificate of each set of files. Workers inherit it from their parent process."""

    def __init__(self, clock: Clock, secret: bytes = b"") -> None:
        """`secret`: what the keys of session tickets are derived from; empty: from a random one."""
        self._clock = clock
        self._secret = secret or token_bytes(32)
        self.logs_changes = True
        """Whether it logs what `refresh` finds. Of several workers and their parent one is enough."""
        self._loaded: dict[ServerTlsFiles, LoadedCertificate] = {}
        self._watched: tuple[ServerTlsFiles, ...] = ()
        self._changed: dict[ServerTlsFiles, FileState] = {}
        self._rejected: dict[ServerTlsFiles, FileState] = {}

    def load(self, files: ServerTlsFiles) -> None:
        """Reads the files. If they can't be used, the certificate in use stays; without one: StartError."""
        known = self._loaded.get(files)
        state = _state_of(files)
        if known is not None and known.state == state:
            return
        if known is not None:
            self._replace(files, known, state)
            return
        loaded = self._loaded[files] = self._read(files, state)
        facts = loaded.facts
        if facts.not_after <= self._clock():
            log.warning("certificate %s expired at %s", files.certificate, _text(facts.not_after))

    def watch(self, files: Iterable[ServerTlsFiles]) -> None:
        """From now on `refresh` looks at these files, which have been loaded, and at no others."""
        # Those of the previous configuration are kept: it comes back if the new one does not start.
        kept = {*self._watched, *(watched := tuple(dict.fromkeys(files)))}
        self._loaded = {each: loaded for each, loaded in self._loaded.items() if each in kept}
        self._watched = watched

    @property
    def watching(self) -> bool:
        """Whether there are files to look at."""
        return bool(self._watched)

    def get(self, files: ServerTlsFiles) -> LoadedCertificate:
        """The certificate in use. The files must have been loaded."""
        return self._loaded[files]

    def texts(self, files: ServerTlsFiles) -> list[str] | None:
        """The files of the certificate in use: certificate, key and CAs if given.

        None: they are not what they were when they were loaded.
        """
        paths = [path for path in (files.certificate, files.key, files.client_ca) if path is not None]
        known = self._loaded[files].state
        try:
            texts = [path.read_text(encoding="latin-1") for path in paths]
        except OSError:
            return None
        return texts if _state_of(files) == known else None

    def refresh(self) -> None:
        """Looks at the files and takes over those that have changed. It reads from disk, and never raises."""
        for files in self._watched:
            try:
                self._refresh(files, self._loaded[files])
            except Exception:
                log.exception("certificate %s can't be checked for changes", files.certificate)

    def gauges(self) -> Gauges:
        """The metrics of the certificates."""
        return {
            "certificate_expiry": {
                (str(files.certificate),): self._loaded[files].facts.not_after for files in self._watched
            },
            "certificate_rejected": {
                (str(files.certificate),): float(files in self._rejected) for files in self._watched
            },
        }

    def _refresh(self, files: ServerTlsFiles, known: LoadedCertificate) -> None:
        state = _state_of(files)
        if state == known.state:
            self._changed.pop(files, None)
            if known.period != key_period(self._clock()):
                self._renew_ticket_keys(files, state)
            if self._rejected.pop(files, None) is not None:
                self._log(logging.INFO, "certificate %s: the files in use are back", files.certificate)
        elif state != self._rejected.get(files):
            if self._changed.get(files) != state:
                self._changed[files] = state
                return
            self._replace(files, known, state)

    def _replace(self, files: ServerTlsFiles, known: LoadedCertificate, state: FileState) -> None:
        self._changed.pop(files, None)
        try:
            loaded = self._read(files, state)
            facts = loaded.facts
            self._check_validity(files, facts, known.facts)
        except StartError as error:
            self._rejected[files] = state
            self._log(
                logging.ERROR,
                "certificate not replaced: %s; the one in use is valid until %s",
                error,
                _text(known.facts.not_after),
            )
            return
        if _state_of(files) != state:
            return  # Written to meanwhile: the next look decides.
        self._rejected.pop(files, None)
        self._loaded[files] = loaded
        until = _text(facts.not_after)
        self._log(logging.INFO, "certificate %s replaced, valid until %s", files.certificate, until)

    def _read(self, files: ServerTlsFiles, state: FileState) -> LoadedCertificate:
        """A new context for the files. StartError if they can't be used."""
        now = self._clock()
        context, facts = load_context(files)
        keys = ticket_keys(self._secret, _digest_of(files), now)
        prepare_tickets(context, keys, client_certificates=files.client_ca is not None)
        return LoadedCertificate(context, facts, state, key_period(now))

    def _renew_ticket_keys(self, files: ServerTlsFiles, state: FileState) -> None:
        """Takes a new context for the same files: that of open connections is never changed."""
        with suppress(StartError):
            loaded = self._read(files, state)
            if _state_of(files) == state:
                self._loaded[files] = loaded

    def _log(self, level: int, text: str, *values: object) -> None:
        if self.logs_changes:
            log.log(level, text, *values)

    def _check_validity(self, files: ServerTlsFiles, new: CertificateFacts, old: CertificateFacts) -> None:
        """A certificate that is not valid now does not replace one that is."""
        now = self._clock()
        if not old.not_before <= now < old.not_after:
            return
        if new.not_after <= now:
            raise StartError(f"{files.certificate} expired at {_text(new.not_after)}")
        if new.not_before > now:
            raise StartError(f"{files.certificate} is not valid before {_text(new.not_before)}")


class TlsListener:
    """The certificates of one listener, the default first."""

    def __init__(
        self,
        certificates: Certificates,
        files: tuple[ServerTlsFiles, ...],
        challenges: ChallengeCertificates | None = None,
    ) -> None:
        """All of `files` must have been loaded."""
        self._certificates = certificates
        self.files = files
        self._challenges = challenges

    @property
    def needs_client_hello(self) -> bool:
        """Whether the context depends on what the client asks for."""
        return len(self.files) > 1 or self._challenges is not None

    def context_for(self, hello: ClientHello) -> ssl.SSLContext:
        """The context for a client: an exact name wins over a wildcard, and the first is the default."""
        if not self.needs_client_hello:
            return self._certificates.get(self.files[0]).context
        challenge = None if self._challenges is None else self._challenges.context_for(hello)
        if challenge is not None:
            return challenge
        loaded = [self._certificates.get(files) for files in self.files]
        name = hello.server_name
        # RFC 9525 section 6.3: the wildcard is the whole leftmost label and stands for exactly one.
        _, dot, parent = name.partition(".")
        for wanted in (name, f"*.{parent}" if dot else ""):
            for each in loaded:
                if wanted and wanted in each.facts.names:
                    return each.context
        return loaded[0].context


def _state_of(files: ServerTlsFiles) -> FileState:
    return tuple(
        _file_state(path) for path in (files.certificate, files.key, files.client_ca) if path is not None
    )


def _digest_of(files: ServerTlsFiles) -> bytes:
    """Of the content. StartError: a file can't be read."""
    digest = sha256(repr(files.protocols).encode())
    for path in (files.certificate, files.key, files.client_ca):
        try:
            digest.update(sha256(b"" if path is None else path.read_bytes()).digest())
        except OSError as error:
            raise StartError(f"can't read {path}: {error.strerror}") from error
    return digest.digest()


def _file_state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _text(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds")

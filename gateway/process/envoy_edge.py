"""The edge where `server.listen` asks for HTTP/2 or HTTP/3: an Envoy."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.edge.configuration import EdgeCertificate, EdgeConfiguration, EdgeListener
from gateway.edge.edge import Edge
from gateway.edge.envoy_process import find_envoy
from gateway.edge.folder import EdgeFolder
from gateway.edge.grpc import upstream_tls_files
from gateway.edge.system_cas import system_cas
from gateway.errors import StartError
from gateway.process.certificates import Certificates, LoadedCertificate
from gateway.process.edge_process import EdgeProcess
from gateway.process.listeners import ListenSocket, listen_for_edge
from gateway.process.sockets import ListenSockets, tls_listener
from gateway.process.tls import ServerTlsFiles
from gateway.process.worker_count import worker_count
from gateway.telemetry.snapshot import Gauges

log = logging.getLogger("gatepost")


@dataclass(frozen=True, slots=True)
class _KeptListener:
    """A listener at the edge."""

    index: int
    """Its place in `server.listen`."""
    address: ListenSocket
    """What keeps the address for it."""
    files: tuple[ServerTlsFiles, ...]
    """Those of its certificates."""


def _kept(
    settings: Settings, sockets: ListenSockets, certificates: Certificates, clock: Clock
) -> Iterator[_KeptListener]:
    for index, (address, one) in enumerate(zip(sockets.public, settings.server.listen, strict=True)):
        if one.at_edge:
            tls = tls_listener(one, settings, certificates, clock)
            yield _KeptListener(index, address, () if tls is None else tls.files)


@dataclass(frozen=True, slots=True)
class _EdgeInputs:
    """What the edge works by."""

    settings: Settings
    workers: ListenSocket
    listeners: tuple[_KeptListener, ...]
    certificates: Certificates
    clock: Clock
    upstream_files: Mapping[Path, str] = field(default_factory=dict)

    def with_settings(self, settings: Settings, workers: ListenSocket, sockets: ListenSockets) -> _EdgeInputs:
        """The same for another configuration."""
        kept = tuple(_kept(settings, sockets, self.certificates, self.clock))
        files = {path: _text(path) for path in upstream_tls_files(settings)}
        return replace(self, settings=settings, workers=workers, listeners=kept, upstream_files=files)

    def loaded(self) -> tuple[LoadedCertificate, ...]:
        """The certificates in use."""
        return tuple(self.certificates.get(one) for each in self.listeners for one in each.files)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise StartError(f"{path} can't be read: {error}") from None


class EnvoyEdge(EdgeProcess):
    """Starts an Envoy, and keeps it up and informed."""

    running = True

    def __init__(self, edge: Edge) -> None:
        super().__init__()
        self._edge = edge
        self._generation = 0
        self._published: tuple[LoadedCertificate, ...] = ()
        self._known: dict[ServerTlsFiles, EdgeCertificate] = {}
        self._given: _EdgeInputs | None = None

    def listen(self, settings: Settings) -> ListenSocket | None:
        """New sockets, where the workers of a configuration take requests from it."""
        self._generation += 1
        folder, workers = self._edge.folder, worker_count(settings)
        return listen_for_edge([folder.worker(self._generation, slot) for slot in range(workers)])

    def open(
        self,
        settings: Settings,
        workers: ListenSocket | None,
        sockets: ListenSockets,
        certificates: Certificates,
        clock: Clock,
    ) -> None:
        """Begins to accept: the workers are ready. StartError if it can't."""
        if workers is not None:
            inputs = _EdgeInputs(settings, workers, (), certificates, clock)
            self._given = inputs.with_settings(settings, workers, sockets)
            self._edge.start(self._configuration(self._given))

    def apply(self, settings: Settings, workers: ListenSocket | None, sockets: ListenSockets) -> None:
        """Turns to the workers of another configuration, which are ready. StartError if it can't."""
        if self._given is None or workers is None:
            return
        before, self._given = self._given, self._given.with_settings(settings, workers, sockets)
        try:
            self._edge.publish(self._configuration(self._given))
            self._edge.await_applied()
        except StartError:
            # `ensure` tells it of what was before.
            self._given, self._published = before, ()
            raise
        before.workers.close()

    def ensure(self) -> None:
        """Restarts it if it has died, and gives it certificates that have changed. Call it often."""
        if self._given is None:
            return
        self._edge.ensure()
        if self._published != self._given.loaded():
            try:
                self._edge.publish(self._configuration(self._given))
            except StartError as error:
                log.error("certificates not given to the edge: %s", error)

    def gauges(self) -> Gauges:
        """Whether it runs, and how often it was restarted; also in workers."""
        return {
            "edge_up": {(): float(self._edge.report.up)},
            "edge_restarts": {(): float(self._edge.report.restarts)},
        }

    def begin_drain(self, settings: Settings) -> None:
        """At the beginning of a shutdown: accepts no more after `timeouts.shutdown_delay`."""
        timeouts = settings.server.timeouts
        self._edge.begin_drain(timeouts.shutdown_delay, timeouts.drain)

    def _configuration(self, given: _EdgeInputs) -> EdgeConfiguration:
        published = given.loaded()
        listeners = [
            EdgeListener(
                each.index,
                each.address.sockets[0].getsockname()[0],
                each.address.sockets[0].getsockname()[1],
                given.settings.server.listen[each.index].http,
                tuple(self._read(files, given.certificates) for files in each.files),
            )
            for each in given.listeners
        ]
        self._published = published
        sockets = tuple(Path(each.getsockname()) for each in given.workers.sockets)
        return EdgeConfiguration(
            given.settings,
            tuple(listeners),
            sockets,
            self.header,
            self._edge.folder.path,
            given.upstream_files,
            system_cas(),
        )

    def _read(self, files: ServerTlsFiles, certificates: Certificates) -> EdgeCertificate:
        """The files as they were when they were found to be usable; else what they were before."""
        facts = certificates.get(files).facts
        texts = certificates.texts(files)
        if texts is not None:
            chain, key, *rest = texts
            self._known[files] = EdgeCertificate(facts.names, chain, key, rest[0] if rest else None)
        if files not in self._known:
            raise StartError(f"{files.certificate} changes while it is read")
        return self._known[files]


@contextmanager
def open_envoy(settings: Settings) -> Iterator[EnvoyEdge]:
    """Prepares an Envoy, and ends it with the context. StartError if it can't be had."""
    find_envoy()
    server, workers = settings.server, worker_count(settings)
    edge = Edge(EdgeFolder(server.state_dir), max(1, workers // 2), server.max_connections * workers)
    try:
        yield EnvoyEdge(edge)
    finally:
        edge.stop()

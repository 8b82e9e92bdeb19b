"""A DNS server on loopback, with records that a test sets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Srv = tuple[int, int, int, str]
"""Priority, weight, port, target."""


@dataclass
class NameServer:
    """Answers for one name at a time; all others do not exist."""

    port: int
    records: dict[str, list[Srv]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    """IPv4 addresses."""
    ttl: int = 1
    down: bool = False
    """Whether it answers SERVFAIL."""
    questions: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        question = query.question[0]
        self.questions += 1
        found = self.records.get(question.name.to_text())
        if self.down:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif (address := self.addresses.get(question.name.to_text().lower())) is not None:
            if question.rdtype == dns.rdatatype.A:
                response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", "A", address))
        elif found is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif found:
            texts = [" ".join(map(str, record)) for record in found]
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", "SRV", *texts))
        return response.to_wire()


@contextmanager
def name_server() -> Iterator[NameServer]:
    """A name server in a thread of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        server = NameServer(sock.getsockname()[1])
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                data, peer = sock.recvfrom(4096)
                if data:
                    with suppress(OSError):
                        sock.sendto(server.answer(data), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", ("127.0.0.1", server.port))
            thread.join()

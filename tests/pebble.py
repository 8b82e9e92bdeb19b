"""Pebble: the ACME server by which Let's Encrypt tests ACME clients, in a subprocess."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme

from tests.exactness.programs import program
from tests.name_server import NameServer
from tests.ports import free_port
from tests.running import START_LIMIT

EAB = {"key_id": "kid-1", "key": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}


class Pebble:
    """A running one. `directory` is its ACME directory, `ca` the file of the CA to trust for it."""

    def __init__(self, process: subprocess.Popen[bytes], ports: list[int], ca: Path, log: Path) -> None:
        self.process = process
        self.directory = f"https://127.0.0.1:{ports[0]}/dir"
        self.management = f"https://127.0.0.1:{ports[1]}"
        self.ca = ca
        self.log = log

    def root(self) -> str:
        """The root certificate of what it issues, as PEM."""
        return self._ask("/roots/0")

    @property
    def answers(self) -> bool:
        try:
            return bool(self._ask("/roots/0"))
        except OSError:
            return False

    @property
    def accounts(self) -> int:
        """How many accounts have been registered."""
        return len(re.findall(r"There are now \d+ accounts", self.log.read_text()))

    def _ask(self, path: str) -> str:
        context = ssl.create_default_context(cafile=self.ca)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(self.management + path, timeout=5) as response:
            return str(response.read().decode())


@contextmanager
def pebble(folder: Path, dns: NameServer, http: int, tls: int, *, eab: bool = False) -> Iterator[Pebble]:
    """Pebble, which verifies names at these ports of the addresses that `dns` has."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "pebble-ca.pem"))
    own = authority.issue_cert("127.0.0.1")
    own.cert_chain_pems[0].write_to_path(str(folder / "pebble.pem"))
    own.private_key_pem.write_to_path(str(folder / "pebble.key"))
    environment = {
        **os.environ,
        "PEBBLE_VA_NOSLEEP": "1",
        "PEBBLE_WFE_NONCEREJECT": "0",
        "PEBBLE_AUTHZREUSE": "0",
    }
    while True:
        ports = [free_port(), free_port()]
        config: dict[str, Any] = {
            "listenAddress": f"127.0.0.1:{ports[0]}",
            "managementListenAddress": f"127.0.0.1:{ports[1]}",
            "certificate": str(folder / "pebble.pem"),
            "privateKey": str(folder / "pebble.key"),
            "httpPort": http,
            "tlsPort": tls,
            "externalAccountBindingRequired": eab,
            "externalAccountMACKeys": {EAB["key_id"]: EAB["key"]},
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        with (folder / "pebble.log").open("wb") as log:
            process = subprocess.Popen(
                [program("pebble"), "-config", folder / "pebble.json", "-dnsserver", dns.address],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        made = Pebble(process, ports, folder / "pebble-ca.pem", folder / "pebble.log")
        if _is_up(made):
            break
    try:
        yield made
    finally:
        process.terminate()
        process.wait()


def _is_up(made: Pebble) -> bool:
    """False: another program has taken one of its ports meanwhile."""
    deadline = time.monotonic() + START_LIMIT
    while not made.answers:
        if made.process.poll() is not None:
            assert "address already in use" in made.log.read_text(), made.log.read_text()
            return False
        assert time.monotonic() < deadline, made.log.read_text()
        time.sleep(0.02)
    return True

"""aiohttp trusts the system's CAs as ever, but reads them late. Seen in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

IMPORTED = """
import os, sys
from gateway.process.system_trust import import_aiohttp
before = dict(os.environ)
import_aiohttp()
assert os.environ == before
from aiohttp import connector
from aiohttp.connector import _SSL_CONTEXT_VERIFIED as trust
"""
ASKED = """
import asyncio, ssl, aiohttp
from aiohttp import web

async def answer(_):
    return web.Response(text="ok")

async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1])
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            try:
                async with session.get(f"https://127.0.0.1:{port}/") as answered:
                    print(await answered.text())
            except aiohttp.ClientConnectorCertificateError:
                print("not trusted")
    await runner.cleanup()

if sys.argv[2] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


def said(code: str, *words: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[:-1]


def test_the_systems_cas_are_not_read_when_aiohttp_is_imported() -> None:
    code = "print(trust.cert_store_stats()['x509'], trust.check_hostname, trust.verify_mode.name)"
    assert said(IMPORTED + code) == ["0 True CERT_REQUIRED"]


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize(("known", "outcome"), [(True, "ok"), (False, "not trusted")])
def test_aiohttp_trusts_the_systems_cas_all_the_same(
    tmp_path: Path, loop: str, known: bool, outcome: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    trusted = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")} if known else {}
    assert said(IMPORTED + ASKED, str(certificate), loop, **trusted) == [outcome] * 2


def test_the_systems_media_types_are_not_read(tmp_path: Path) -> None:
    system = tmp_path / "mime.types"
    system.write_text("application/x-example  example\n")
    known = "import mimetypes, sys; mimetypes.knownfiles[:] = sys.argv[1:]"
    asked = "print(*(mimetypes.guess_type(name)[0] for name in ('a.example', 'a.html')))"
    again = "; mimetypes.init(); " + asked
    answers = ["None text/html", "application/x-example text/html"]
    assert said(known + IMPORTED + asked + again, str(system)) == answers


def test_a_gateway_imports_aiohttp_so() -> None:
    code = """
import sys
from gateway.cli import main
assert "aiohttp" not in sys.modules
main.get_command(None, "run")
from aiohttp import connector
print(type(connector._SSL_CONTEXT_VERIFIED).__name__)
"""
    assert said(code) == ["SystemTrust"]

"""All contenders, started once and left running: who is not asked costs nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.contender import Contender
from benchmarks.peers.caddy import Caddy
from benchmarks.peers.envoy import Envoy
from benchmarks.peers.gatepost import Gatepost
from benchmarks.peers.nginx_lua import NginxLua
from benchmarks.peers.oidc_provider import OidcProvider
from benchmarks.peers.traefik import Traefik
from benchmarks.peers.upstream import Upstream

NGINX, GATEPOST, TOKEN_SERVER = "nginx + Lua", "Gatepost", "oidc-provider"
TOKEN = "gpt_" + "t" * 65
"""What the peers know as a live token: as long as Gatepost's."""


class Stand:
    """Starts those that are needed, and says who is missing and why."""

    def __init__(self, folder: Path, modules: Path, wanted: Iterable[str]) -> None:
        self._wanted = set(wanted)
        self._modules = modules
        self._folder = folder
        self._tokens: dict[str, str] = {}
        self.contenders: dict[str, Contender] = {}
        self.missing: dict[str, str] = {}

    def __enter__(self) -> Stand:
        self._upstream = Upstream(self._folder)
        self._upstream.start()
        for contender in self._possible():
            if contender.name in self._wanted:
                contender.start()
                self.contenders[contender.name] = contender
        return self

    def __exit__(self, *_: object) -> None:
        for contender in (*self.contenders.values(), self._upstream):
            contender.stop()

    def token_for(self, contender: Contender) -> str:
        """A token that this contender takes."""
        if not isinstance(contender, Gatepost):
            return TOKEN
        if contender.name not in self._tokens:
            self._tokens[contender.name] = contender.token()
        return self._tokens[contender.name]

    def _possible(self) -> list[Contender]:
        port, folder = self._upstream.port, self._folder
        routes = [
            {"path": f"/r{number}", "upstream": "backend", "scopes": ["orders.read"], "strip_prefix": False}
            for number in range(10_000)
        ]
        found: list[Contender] = [
            Gatepost(folder, port),
            Gatepost(folder, port, name="Gatepost, 10,000 routes", routes=routes),
            Gatepost(folder, port, name="Gatepost, 2 workers", workers=2),
            Gatepost(folder, port, name="Gatepost, JWT", tokens={"format": "jwt"}),
        ]
        plain = Gatepost(folder, port, name="Gatepost, aiohttp only")
        plain.set_server(fast_lane=False)
        found.append(plain)
        if Path("/usr/lib/nginx/modules/ngx_http_lua_module.so").exists():
            found.append(NginxLua(folder, port, TOKEN))
        else:
            self.missing[NGINX] = "Debian's libnginx-mod-http-lua is not installed"
        for name, peer in (("envoy", Envoy), ("traefik", Traefik), ("caddy", Caddy)):
            program = shutil.which(name, path=str(Path(sys.executable).parent))
            if program is None:
                self.missing[name] = f"{name} is not installed: see scripts/benchmark"
            elif peer is Envoy:
                found.append(Envoy(folder, port, TOKEN, program))
            else:
                found.append(peer(folder, port, program))  # type: ignore[call-arg, arg-type]  # Traefik, Caddy
        if (self._modules / "oidc-provider").is_dir():
            found.append(OidcProvider(folder, self._modules))
        else:
            self.missing[TOKEN_SERVER] = "npm's oidc-provider is not installed: see scripts/benchmark"
        return found

"""All contenders, started once and left running: who is not asked costs next to nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.certificate import write_certificate
from benchmarks.contender import Contender
from benchmarks.gateposts import COMPILED_AS, COMPILED_PYTHON, Around, gatepost
from benchmarks.names import (
    CADDY,
    ENVOY,
    HAPROXY,
    NGINX,
    NGINX_EXTRAS,
    NGINX_REDIS,
    OIDC,
    TRAEFIK,
)
from benchmarks.peers.caddy import Caddy
from benchmarks.peers.envoy import Envoy
from benchmarks.peers.gatepost import Gatepost
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.nginx_lua import NginxLua, NginxLuaExtras, NginxLuaRedis
from benchmarks.peers.oidc_provider import OidcProvider
from benchmarks.peers.redis_server import RedisServer
from benchmarks.peers.streams import Streams
from benchmarks.peers.traefik import Traefik
from benchmarks.peers.upstream import Upstream
from benchmarks.signed import Signer
from benchmarks.tokens import make_tokens

TOKEN = "gpt_" + "t" * 65
"""What the peers know as a live token: as long as Gatepost's."""
MANY = 100_000
NGINX_LUA = Path("/usr/lib/nginx/modules/ngx_http_lua_module.so")


class PeerMissingError(Exception):
    """A peer is not installed."""


class Stand:
    """Starts those that are needed, and says who is missing and why."""

    def __init__(self, folder: Path, modules: Path, wanted: Iterable[str]) -> None:
        self._wanted = list(dict.fromkeys(wanted))
        self._modules = modules
        self._folder = folder
        self._tokens: dict[str, str] = {}
        self._many: dict[str, Path] = {}
        self._upstream, self._redis, self._streams = Upstream(folder), RedisServer(folder), Streams(folder)
        self._certificate = write_certificate(folder)
        self.signer = Signer()
        """The key of a client and of another issuer."""
        self._fresh = 0
        self.contenders: dict[str, Contender] = {}
        self.missing: dict[str, str] = {}
        self.asked: dict[str, int] = {}
        """How many of the many tokens have been shown to whom: the next load goes on from there."""

    def __enter__(self) -> Stand:
        # Whatever fails, none of them is left behind.
        with ExitStack() as started:
            for contender in (self._upstream, self._redis, self._streams, *self._possible()):
                started.callback(contender.stop)
                contender.start()
            self._started = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    @contextmanager
    def fresh(self, **changes: Any) -> Iterator[Gatepost]:
        """A Gatepost that has done nothing yet; it is not started."""
        self._fresh += 1
        made = Gatepost(self._folder, self._upstream.port, name=f"fresh {self._fresh}", **changes)
        try:
            yield made
        finally:
            made.stop()

    @contextmanager
    def fresh_nginx(self) -> Iterator[Contender | None]:
        """An nginx that has done nothing yet, started; None where it is not installed."""
        try:
            made = self.nginx(NginxLua, self._folder / "fresh", self._upstream.port)
        except PeerMissingError:
            yield None
            return
        try:
            made.start()
            yield made
        finally:
            made.stop()

    @property
    def redis_url(self) -> str:
        """Of the Redis of its own."""
        return f"redis://127.0.0.1:{self._redis.port}/1"

    def token_for(self, contender: Contender) -> str:
        """A token that this contender takes."""
        if not isinstance(contender, Gatepost):
            return TOKEN
        if contender.name not in self._tokens:
            self._tokens[contender.name] = contender.token()
        return self._tokens[contender.name]

    def many_for(self, contender: Gatepost) -> Path:
        """A file with many tokens that it takes."""
        if contender.name not in self._many:
            self._many[contender.name] = make_tokens(contender, MANY)
        return self._many[contender.name]

    def _possible(self) -> Iterator[Contender]:
        for name in self._wanted:
            try:
                self.contenders[name] = self._made(name)
            except PeerMissingError as reason:
                self.missing[name] = str(reason)
            else:
                yield self.contenders[name]

    def _made(self, name: str) -> Contender:
        port, folder = self._upstream.port, self._folder
        if name in COMPILED_AS and not COMPILED_PYTHON.exists():
            raise PeerMissingError("not installed: see scripts/test-compiled --install")
        if name not in PEERS:
            return gatepost(name, folder, Around(port, self._redis.port, self._streams.port, self.signer))
        return PEERS[name](self, folder, port)

    def nginx(self, kind: type[NginxLua], folder: Path, port: int) -> Contender:
        """nginx with Lua."""
        if not NGINX_LUA.exists():
            raise PeerMissingError("Debian's libnginx-mod-http-lua is not installed")
        return kind(folder, port, TOKEN, self._redis.port, self._streams.port, self._certificate)

    def oidc_provider(self, folder: Path) -> Contender:
        """The token server."""
        if not (self._modules / "oidc-provider").is_dir():
            raise PeerMissingError("npm's oidc-provider is not installed: see scripts/benchmark")
        return OidcProvider(folder, self._modules, self.signer)


def program(name: str, path: str = str(Path(sys.executable).parent)) -> str:
    """Where a peer is: those from PyPI stand beside Python."""
    found = shutil.which(name, path=path)
    if found is None:
        raise PeerMissingError(f"{name} is not installed: see scripts/benchmark")
    return found


PEERS: dict[str, Callable[[Stand, Path, int], Contender]] = {
    NGINX: lambda stand, folder, port: stand.nginx(NginxLua, folder, port),
    NGINX_EXTRAS: lambda stand, folder, port: stand.nginx(NginxLuaExtras, folder, port),
    NGINX_REDIS: lambda stand, folder, port: stand.nginx(NginxLuaRedis, folder, port),
    ENVOY: lambda _, folder, port: Envoy(folder, port, TOKEN, program("envoy")),
    HAPROXY: lambda _, folder, port: HAProxy(
        folder, port, TOKEN, program("haproxy", "/usr/sbin:/usr/local/sbin")
    ),
    TRAEFIK: lambda _, folder, port: Traefik(folder, port, program("traefik")),
    CADDY: lambda _, folder, port: Caddy(folder, port, program("caddy")),
    OIDC: lambda stand, folder, _: stand.oidc_provider(folder),
}

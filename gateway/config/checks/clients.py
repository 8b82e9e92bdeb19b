"""Clients: each id once, no grant that is not there, and credentials for what they may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.clients import CREDENTIALS, ClientSettings
from gateway.config.model import Settings
from gateway.config.problem import KeyPath
from gateway.config.server import TlsFiles
from gateway.jwk import parse_jwks


def ids_once(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No two clients have the same id."""
    first: dict[str, int] = {}
    for index, client in enumerate(settings.clients):
        if client.id in first:
            before = ("clients", first[client.id], "id")
            yield Finding(("clients", index, "id"), "another client has this id", first=before)
        first.setdefault(client.id, index)


def grants_known(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """A client's grants are listed under `grants`, be they switched on or off."""
    for index, client in enumerate(settings.clients):
        for place, grant in enumerate(client.grants):
            if grant in surroundings.grants:
                continue
            known = grant in surroundings.known_grants
            right = () if known else (*surroundings.grants, *surroundings.known_grants)
            text = "this grant is not listed under grants" if known else "there is no such grant"
            yield Finding(
                ("clients", index, "grants", place),
                text,
                depends=(("grants",),) if not surroundings.grants else (),
                wrong=grant,
                right=tuple(right),
            )


def api_keys_once(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No two clients have the same API key: whose request it is would be a matter of chance."""
    first: dict[bytes, tuple[int, int]] = {}
    for index, client in enumerate(settings.clients):
        for place, key in enumerate(client.api_keys):
            if key.digest in first:
                holder, at = first[key.digest]
                before = ("clients", holder, "api_keys", at)
                yield Finding(
                    ("clients", index, "api_keys", place), "this API key stands here twice", first=before
                )
            first.setdefault(key.digest, (index, place))


def credentials_there(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """Every client can prove who it is, in each way that it may use."""
    for index, client in enumerate(settings.clients):
        if not any(_given(client).values()):
            text = "is missing, and so is every other credential: it can't prove who it is"
            yield Finding(("clients", index, "secrets"), text, depends=_credentials(index))
            continue
        for place, method in enumerate(client.auth):
            key = NEEDS[method]
            if not _given(client)[key]:
                path = ("clients", index, "auth", place)
                yield Finding(path, f"needs the client's {key}", depends=_credentials(index))


def one_key_set(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """A client's keys stand in one place, and that is there."""
    for index, client in enumerate(settings.clients):
        path = ("clients", index, "jwks_file")
        if client.jwks_file is None:
            continue
        if client.jwks is not None:
            yield Finding(path, "is one key set too many", first=("clients", index, "jwks"))
        elif not surroundings.is_file(client.jwks_file):
            yield Finding(path, "there is no such file")
        elif (wrong := _wrong_keys(client.jwks_file, surroundings)) is not None:
            yield Finding(path, wrong)


def certificates_seen(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """Who must show a TLS certificate can: to a listener, or to a proxy that is believed."""
    listeners = [one.tls for one in settings.server.listen if isinstance(one.tls, TlsFiles)]
    if settings.server.trusted_proxies or any(tls.client_ca for tls in listeners):
        return
    text = "no client can show a certificate: no listener has client_ca, and no proxy is trusted"
    for index, client in enumerate(settings.clients):
        if client.require_mtls:
            yield Finding(("clients", index, "require_mtls"), text, depends=(("server",),))
        if client.tls_client_auth is not None:
            yield Finding(("clients", index, "tls_client_auth"), text, depends=(("server",),))
        for place, method in enumerate(client.auth):
            if method == "self_signed_tls_client_auth":
                yield Finding(("clients", index, "auth", place), text, depends=(("server",),))


def _wrong_keys(file: Path, surroundings: Surroundings) -> str | None:
    try:
        parse_jwks(surroundings.read(file))
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except ValueError as error:
        return f"can't be used: it {error}"
    return None


NEEDS = {
    "client_secret_basic": "secrets",
    "client_secret_post": "secrets",
    "private_key_jwt": "jwks",
    "tls_client_auth": "tls_client_auth",
    "self_signed_tls_client_auth": "jwks",
}


def _given(client: ClientSettings) -> dict[str, bool]:
    return {
        "secrets": bool(client.secrets),
        "api_keys": bool(client.api_keys),
        "jwks": client.jwks is not None or client.jwks_file is not None,
        "tls_client_auth": client.tls_client_auth is not None,
    }


def _credentials(index: int) -> tuple[KeyPath, ...]:
    return tuple(("clients", index, name) for name in CREDENTIALS)

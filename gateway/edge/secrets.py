"""Certificates and keys as Envoy has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.edge.configuration import EdgeConfiguration, EdgeListener
from gateway.export.envoy_clusters import TYPE, Json

SECRET = f"{TYPE}.transport_sockets.tls.v3.Secret"


def certificate_name(listener: EdgeListener, place: int) -> str:
    """The name of one of a listener's certificates."""
    return f"certificate-{listener.index}-{place}"


def authority_name(listener: EdgeListener, place: int) -> str:
    """The name of the CAs beside it."""
    return f"authority-{listener.index}-{place}"


def secrets(configuration: EdgeConfiguration) -> Iterator[Json]:
    """All of them."""
    for listener in configuration.listeners:
        for place, one in enumerate(listener.certificates):
            pair = {"certificate_chain": _inline(one.chain), "private_key": _inline(one.key)}
            yield {"@type": SECRET, "name": certificate_name(listener, place), "tls_certificate": pair}
            if one.client_ca is not None:
                trusted = {"trusted_ca": _inline(one.client_ca)}
                name = authority_name(listener, place)
                yield {"@type": SECRET, "name": name, "validation_context": trusted}


def secret_source(name: str, folder: Path) -> Json:
    """Where Envoy finds a secret."""
    return {"name": name, "sds_config": file_source(f"{name}.json", folder)}


def file_source(file: str, folder: Path) -> Json:
    """A file that Envoy reads anew when another is moved to its place."""
    source = {"path": str(folder / file), "watched_directory": {"path": str(folder)}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def _inline(text: str) -> Json:
    return {"inline_string": text}

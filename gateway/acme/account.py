"""The account at an authority: one key for each directory, made once."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import josepy
from acme import errors, messages
from acme.client import ClientV2
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.acme.challenges import private_pem
from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder
from gateway.runtime.private_file import write_private_file


def account_key(folder: AcmeFolder, directory: str) -> Any:
    """The account's key, as the library takes it. It is made where there is none."""
    file = folder.account_key(directory)
    if not file.exists():
        write_private_file(file, private_pem(ec.generate_private_key(ec.SECP256R1())))
    return josepy.JWK.load(file.read_bytes())


def sign_in(client: ClientV2, key: Any, order: CertificateOrder, folder: AcmeFolder) -> None:
    """Lets the client act for the account, which is registered where the authority does not know it."""
    file = folder.account(order.directory)
    known = _read(file)
    if not known.get("uri"):
        _register(client, key, order, file)
        return
    client.net.account = messages.RegistrationResource(uri=known["uri"], body=messages.Registration())
    if known.get("email") != order.email:
        # RFC 8555 section 7.3.2.
        body = messages.UpdateRegistration(contact=_contact(order))
        client.net.post(known["uri"], body, new_nonce_url=client.directory["newNonce"])
        _keep(file, known["uri"], order)


def forget(order: CertificateOrder, folder: AcmeFolder) -> None:
    """The authority does not know the account any more: it is registered again, with the same key."""
    folder.account(order.directory).unlink(missing_ok=True)


def _register(client: ClientV2, key: Any, order: CertificateOrder, file: Path) -> None:
    """RFC 8555 section 7.3. An account that exists with this key is found by it."""
    binding = None
    if order.eab is not None:
        binding = messages.ExternalAccountBinding.from_data(key.public_key(), *order.eab, client.directory)
    request = messages.NewRegistration(
        contact=_contact(order), terms_of_service_agreed=True, external_account_binding=binding
    )
    try:
        uri = client.new_account(request).uri
    except errors.ConflictError as found:
        uri = found.location
        client.net.account = messages.RegistrationResource(uri=uri, body=messages.Registration())
    _keep(file, uri, order)


def _contact(order: CertificateOrder) -> tuple[str, ...]:
    return () if order.email is None else (f"mailto:{order.email}",)


def _keep(file: Path, uri: str, order: CertificateOrder) -> None:
    write_private_file(file, json.dumps({"uri": uri, "email": order.email}).encode())


def _read(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads(file.read_text(encoding="utf-8")))
    return {}

"""Orders a certificate, by certbot's library. Slow: runs in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import josepy
from acme import crypto_util, errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import __version__
from gateway.acme.account import account_key, forget, sign_in
from gateway.acme.challenges import challenge_certificate, private_pem
from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder
from gateway.clock import Clock

REQUEST_TIMEOUT = 30
"""Seconds for a request to the authority."""
ORDER_TIMEOUT = 180.0
"""Seconds in which names must be verified and the certificate must be issued."""


class AcmeFailure(Exception):  # noqa: N818 (it is shown as the failure of an order)
    """An order that can't succeed, in words."""


class Authority:
    """An authority, and the account at it."""

    def __init__(self, order: CertificateOrder, folder: AcmeFolder, clock: Clock) -> None:
        """Asks for the directory. Raises what the library raises."""
        self._order, self._folder, self._clock = order, folder, clock
        self._key = account_key(folder, order.directory)
        network = ClientNetwork(
            self._key,
            alg=josepy.ES256,
            verify_ssl=True if order.ca is None else order.ca,
            user_agent=f"gatepost/{__version__}",
            timeout=REQUEST_TIMEOUT,
        )
        self._client: Any = ClientV2(ClientV2.get_directory(order.directory, network), network)

    def issue(self) -> bytes:
        """A new certificate, its chain and its key as PEM."""
        sign_in(self._client, self._key, self._order, self._folder)
        key = private_pem(ec.generate_private_key(ec.SECP256R1()))
        request = crypto_util.make_csr(key, list(self._order.domains))
        try:
            opened = self._client.new_order(request)
        except messages.Error as error:
            if error.code != "accountDoesNotExist":
                raise
            forget(self._order, self._folder)
            self._client.net.account = None
            sign_in(self._client, self._key, self._order, self._folder)
            opened = self._client.new_order(request)
        with self._answers(opened):
            # The library compares it with local time.
            deadline = datetime.fromtimestamp(self._clock() + ORDER_TIMEOUT)  # noqa: DTZ006
            done = self._client.poll_and_finalize(opened, deadline)
        return str(done.fullchain_pem).encode() + key

    def renewal(self, certificate: bytes) -> tuple[float | None, float]:
        """When the authority wants this one to be renewed, None if it does not say; and when to ask again.

        RFC 9773. Seconds since the epoch.
        """
        try:
            suggested, again = self._client.renewal_time(certificate)
        except errors.ARIError as error:
            return None, error.retry_after.timestamp()
        return None if suggested is None else suggested.timestamp(), again.timestamp()

    @contextmanager
    def _answers(self, opened: Any) -> Iterator[None]:
        """Answers the challenges of an order as long as the context is open."""
        files: list[Path] = []
        try:
            for authorization in opened.authorizations:
                if authorization.body.status == messages.STATUS_PENDING:
                    self._answer(authorization.body, files)
            yield
        finally:
            for file in files:
                file.unlink(missing_ok=True)

    def _answer(self, authorization: Any, files: list[Path]) -> None:
        domain = authorization.identifier.value
        kind = self._order.challenge
        offered = next((one for one in authorization.challenges if one.chall.typ == kind), None)
        if offered is None:
            raise AcmeFailure(f"the authority does not offer {kind} for {domain}")
        response, proof = offered.chall.response_and_validation(self._key)
        if kind == "http-01":
            files.append(self._folder.answer_http(offered.chall.encode("token"), proof))
        else:
            pem = challenge_certificate(domain, proof, self._clock())
            files.append(self._folder.answer_tls(domain, pem))
        self._client.answer_challenge(offered, response)


def describe(error: Exception) -> str:
    """A failure in one line."""
    if isinstance(error, errors.ValidationError):
        return "; ".join(_refused(one.body) for one in error.failed_authzrs)
    if isinstance(error, errors.IssuanceError):
        error = error.error
    if isinstance(error, messages.Error):
        return f"{error.code or error.typ}: {error.detail or error.title or ''}"
    if isinstance(error, errors.TimeoutError):
        return f"the authority took longer than {ORDER_TIMEOUT:g} s"
    return " ".join(str(error).split()) or type(error).__name__


def _refused(authorization: Any) -> str:
    reasons = [describe(one.error) for one in authorization.challenges if one.error is not None]
    return f"{authorization.identifier.value} could not be verified: {', '.join(reasons)}"

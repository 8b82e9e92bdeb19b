"""One attempt to have the certificate that is configured."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder
from gateway.acme.progress import ASK_AGAIN, AcmeProgress, AcmeStep, next_step, renewal_time
from gateway.clock import Clock
from gateway.config.certificate_files import read_certificate
from gateway.runtime.private_file import write_private_file


def attempt(
    order: CertificateOrder, folder: AcmeFolder, clock: Clock, jitter: Callable[[], float]
) -> AcmeProgress | None:
    """Does what is due, and keeps how it has fared. None: another process is at it.

    Raises OSError if files can't be read or written. `jitter`: a number from 0 to 1.
    """
    with folder.only_one() as alone:
        if not alone:
            return None
        progress = folder.progress(order)
        certificate = folder.certificate(order)
        step = next_step(order, progress, read_certificate(certificate.read_bytes()), clock())
        if step is AcmeStep.WAIT:
            return progress
        if step is AcmeStep.ORDER:
            progress = _ordered(order, folder, progress, clock, jitter)
            # Before anything else can fail: it is never ordered twice.
            folder.keep(order, progress)
        if not progress.failure:
            folder.keep(order, progress := _asked(order, folder, progress, clock))
        return progress


def _ordered(
    order: CertificateOrder,
    folder: AcmeFolder,
    progress: AcmeProgress,
    clock: Clock,
    jitter: Callable[[], float],
) -> AcmeProgress:
    try:
        # The library is slow to import, and not needed to wait.
        from gateway.acme.authority import Authority  # noqa: PLC0415

        folder.end_answers()
        write_private_file(folder.certificate(order), Authority(order, folder, clock).issue())
    except Exception as error:  # whatever the authority or the library does is a failed attempt
        return progress.failed(order, _described(error), clock(), jitter())
    return progress.was_issued(order, clock())


def _asked(order: CertificateOrder, folder: AcmeFolder, progress: AcmeProgress, clock: Clock) -> AcmeProgress:
    pem = folder.certificate(order).read_bytes()
    suggested, again = progress.renew_at, clock() + ASK_AGAIN
    with suppress(Exception):  # there is time: two thirds of the lifetime count then
        from gateway.acme.authority import Authority  # noqa: PLC0415

        suggested, again = Authority(order, folder, clock).renewal(pem)
    due = renewal_time(read_certificate(pem), suggested)
    return progress.asked(order, suggested, min(again, due))


def _described(error: Exception) -> str:
    try:
        from gateway.acme.authority import AcmeFailure, describe  # noqa: PLC0415
    except ImportError:
        return "the extra acme is not installed"
    return str(error) if isinstance(error, AcmeFailure) else describe(error)

"""How a certificate's orders have fared, and what is to be done next. Rules over plain values."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum

from gateway.acme.order import CertificateOrder
from gateway.config.certificate_files import CertificateFacts

RENEW_AFTER = 2 / 3
"""Share of its lifetime after which a certificate is renewed."""
FIRST_DELAY, DELAY_FACTOR, LONGEST_DELAY = 60.0, 3.0, 6 * 3600.0
"""Seconds. Four attempts in the first hour: authorities allow about five failures an hour."""
ASK_AGAIN = 6 * 3600.0
"""Seconds until an authority that could not be reached is asked again when it wants a certificate renewed."""
MAX_FAILURE = 500
"""Characters of a failure's text that are kept."""


class AcmeStep(Enum):
    """What to do now."""

    WAIT = "wait"
    ORDER = "order"
    ASK = "ask"
    """Ask the authority when it wants the certificate to be renewed (RFC 9773)."""


@dataclass(frozen=True, slots=True)
class AcmeProgress:
    """How the orders of one certificate have fared. Times are seconds since the epoch."""

    issued: str = ""
    """`certificate_digest` of the order that has led to the certificate; empty: it is self-signed."""
    issued_at: float = 0.0
    tried: str = ""
    """`digest` of the last order."""
    next_attempt: float = 0.0
    """Nothing is to be done before, unless the order changes."""
    renew_at: float | None = None
    """When the authority wants the certificate to be renewed; None: it does not say."""
    failures: int = 0
    """Failed attempts since the last success."""
    failure: str = ""
    """Why the last attempt has failed; empty: it has not."""
    failed_at: float = 0.0

    def to_json(self) -> str:
        """Serializes it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> AcmeProgress:
        """Parses the output of `to_json`. ValueError if it is anything else."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError("no progress of an order") from error

    def failed(self, order: CertificateOrder, failure: str, now: float, jitter: float) -> AcmeProgress:
        """After a failed attempt. `jitter`: from 0 to 1."""
        same = self.tried == order.digest
        failures = self.failures + 1 if same else 1
        return replace(
            self,
            tried=order.digest,
            failures=failures,
            # An authority's words: they go to logs and terminals.
            failure="".join(each if each.isprintable() else " " for each in failure[:MAX_FAILURE]),
            failed_at=now,
            next_attempt=now + delay_after(failures, jitter),
        )

    def was_issued(self, order: CertificateOrder, now: float) -> AcmeProgress:
        """After a certificate was issued."""
        return AcmeProgress(order.certificate_digest, now, order.digest, now)

    def asked(self, order: CertificateOrder, renew_at: float | None, next_attempt: float) -> AcmeProgress:
        """After the authority was asked when the certificate is to be renewed."""
        return replace(self, tried=order.digest, renew_at=renew_at, next_attempt=next_attempt)


def delay_after(failures: int, jitter: float) -> float:
    """Seconds until the next attempt: 1, 3, 9, 27 minutes …, up to 6 hours, and up to a tenth more."""
    delay = min(FIRST_DELAY * DELAY_FACTOR ** min(failures - 1, 16), LONGEST_DELAY)
    return delay * (1 + jitter / 10)


def renewal_time(facts: CertificateFacts, suggested: float | None) -> float:
    """When to renew a certificate: as the authority suggests, else after two thirds of its lifetime."""
    if suggested is not None and suggested < facts.not_after:
        return suggested
    return facts.not_before + (facts.not_after - facts.not_before) * RENEW_AFTER


def next_step(
    order: CertificateOrder, progress: AcmeProgress, facts: CertificateFacts, now: float
) -> AcmeStep:
    """What to do now, with `facts` of the certificate in use."""
    if progress.tried == order.digest and now < progress.next_attempt:
        return AcmeStep.WAIT
    wanted = progress.issued == order.certificate_digest and facts.names >= set(order.domains)
    if not wanted or now >= renewal_time(facts, progress.renew_at):
        return AcmeStep.ORDER
    return AcmeStep.ASK

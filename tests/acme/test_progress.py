"""When a certificate by ACME is ordered, renewed, or tried again."""

import pytest

from gateway.acme.order import CertificateOrder, order_of
from gateway.acme.progress import AcmeProgress, AcmeStep, delay_after, next_step, renewal_time
from gateway.config.acme import AcmeSettings
from gateway.config.certificate_files import CertificateFacts

DAY = 86_400
ORDER = CertificateOrder(("a.example.org",), "https://ca.example.org/dir", "http-01")
FACTS = CertificateFacts(frozenset(ORDER.domains), 0, 90 * DAY)
ISSUED = AcmeProgress().was_issued(ORDER, 0).asked(ORDER, None, 60 * DAY)


def test_a_self_signed_certificate_is_replaced_at_once() -> None:
    assert next_step(ORDER, AcmeProgress(), FACTS, 0) is AcmeStep.ORDER


def test_a_certificate_is_renewed_after_two_thirds_of_its_lifetime() -> None:
    assert next_step(ORDER, ISSUED, FACTS, 60 * DAY - 1) is AcmeStep.WAIT
    assert next_step(ORDER, ISSUED, FACTS, 60 * DAY) is AcmeStep.ORDER


def test_the_authority_may_want_it_earlier_or_later_but_not_after_the_end() -> None:
    assert renewal_time(FACTS, 10 * DAY) == 10 * DAY
    assert renewal_time(FACTS, 80 * DAY) == 80 * DAY
    assert renewal_time(FACTS, 91 * DAY) == 60 * DAY


def test_the_authority_is_asked_when_it_has_said_so() -> None:
    progress = ISSUED.asked(ORDER, 50 * DAY, 1 * DAY)
    assert next_step(ORDER, progress, FACTS, DAY) is AcmeStep.ASK
    assert next_step(ORDER, progress.asked(ORDER, 2 * DAY, 2 * DAY), FACTS, 2 * DAY) is AcmeStep.ORDER


def test_other_domains_or_another_authority_need_another_certificate() -> None:
    for order in (
        CertificateOrder(("a.example.org", "b.example.org"), ORDER.directory, "http-01"),
        CertificateOrder(ORDER.domains, "https://other.example.org/dir", "http-01"),
    ):
        assert next_step(order, ISSUED, FACTS, 1) is AcmeStep.ORDER
    with_email = CertificateOrder(ORDER.domains, ORDER.directory, "tls-alpn-01", email="a@example.org")
    assert next_step(with_email, ISSUED, FACTS, 1) is AcmeStep.ASK, "the same certificate serves"


def test_after_a_failure_nothing_is_tried_before_its_time_unless_the_order_changes() -> None:
    failed = AcmeProgress().failed(ORDER, "no", now=100, jitter=0)
    assert (failed.failures, failed.failure, failed.next_attempt) == (1, "no", 160)
    assert next_step(ORDER, failed, FACTS, 159) is AcmeStep.WAIT
    assert next_step(ORDER, failed, FACTS, 160) is AcmeStep.ORDER
    other = CertificateOrder(ORDER.domains, ORDER.directory, "tls-alpn-01")
    assert next_step(other, failed, FACTS, 101) is AcmeStep.ORDER
    assert failed.failed(other, "no", 101, 0).failures == 1
    assert failed.failed(ORDER, "x" * 10_000, 160, 0).failures == 2
    assert len(failed.failed(ORDER, "x" * 10_000, 160, 0).failure) == 500
    assert failed.failed(ORDER, "a\nb\x1b[2J", 160, 0).failure == "a b [2J", "one line, for terminals"
    assert failed.was_issued(ORDER, 200).failures == 0


def test_a_failed_renewal_keeps_what_was_issued() -> None:
    failed = ISSUED.failed(ORDER, "no", now=60 * DAY, jitter=0)
    assert failed.issued == ORDER.certificate_digest


def test_delays_grow_to_six_hours_and_a_tenth() -> None:
    assert [delay_after(failures, 0) / 60 for failures in (1, 2, 3, 4, 5, 6, 7, 1000)] == [
        1, 3, 9, 27, 81, 243, 360, 360,
    ]  # fmt: skip
    assert delay_after(1, 1) == pytest.approx(66)


def test_what_is_kept_comes_back() -> None:
    assert AcmeProgress.from_json(ISSUED.to_json()) == ISSUED
    for text in ("", "[]", '{"else": 1}'):
        with pytest.raises(ValueError, match=r"."):
            AcmeProgress.from_json(text)


def test_an_order_is_handed_over_with_its_secret_and_told_apart_without() -> None:
    settings = AcmeSettings.model_validate(
        {"domains": ["A.example.org"], "eab": {"key_id": "k", "key": "c2VjcmV0"}, "email": "ops@example.org"}
    )
    order = order_of(settings)
    assert (order.domains, order.eab) == (("a.example.org",), ("k", "c2VjcmV0"))
    assert CertificateOrder.from_json(order.to_json()) == order
    assert CertificateOrder.from_json(ORDER.to_json()) == ORDER

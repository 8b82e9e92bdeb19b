"""Notices by e-mail: what a mail says, and how it gets to a real SMTP server, or does not."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from typing import Any, Literal

import pytest
import trustme

from gateway.notices.mail import MailClient, MailSender, MailServer, mail_of, one_line
from gateway.store.notices import QueuedNotice
from tests.notices.mail_server import USER, WORD, MailBox, mail_server

SENDER = MailSender("portal@example.org", "Acme APIs", "https://portal.example.org")
ASKED = {
    "application": "app-1",
    "api": "Orders",
    "scopes": ["orders.read", "orders.write"],
    "note": "please",
    "asked_by": "ann",
}


def notice(event: str = "subscription.requested", **data: Any) -> QueuedNotice:
    body = json.dumps({"type": event, "timestamp": "2027-01-15T08:00:00Z", "data": data or ASKED})
    return QueuedNotice("msg_1", body, 1_800_000_000, 1_800_000_000, to="boss@example.org")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def certified(authority: trustme.CA, host: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def trusting(authority: trustme.CA | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority is not None:
        authority.configure_trust(context)
    return context


@pytest.fixture
def box() -> Iterator[MailBox]:
    with mail_server() as one:
        yield one


def client(
    port: int,
    tls: Literal["starttls", "implicit", "none"] = "none",
    trust: ssl.SSLContext | None = None,
    word: str | None = None,
    timeout: float = 20.0,
) -> MailClient:
    user = None if word is None else USER
    return MailClient(MailServer("localhost", port, tls, trust, user, word), SENDER, timeout)


def test_a_mail_says_what_has_happened_and_where_to_decide() -> None:
    mail = mail_of(notice(), SENDER)
    assert mail["Subject"] == "[Acme APIs] ann asks for the API Orders"
    assert (mail["From"], mail["To"]) == ("portal@example.org", "boss@example.org")
    assert mail["Message-ID"] == "<msg_1@example.org>"
    assert (mail["Auto-Submitted"], mail["Date"]) == ("auto-generated", "Fri, 15 Jan 2027 08:00:00 +0000")
    text = mail.get_content()
    assert "Scopes: orders.read, orders.write\n" in text
    assert text.endswith("\nhttps://portal.example.org/portal/subscriptions\n")


@pytest.mark.parametrize(
    ("event", "data", "subject"),
    [
        ("subscription.approved", ASKED, "The subscription to Orders is approved"),
        ("user.signed_up", {"user": "eve"}, "eve has signed up and waits for approval"),
        (
            "secret.expiring",
            {"client": "c1", "client_name": "Shop", "secret": "second", "expires": "2027-01-16T08:00:00Z"},
            "The secret second of Shop ends on 2027-01-16T08:00:00Z",
        ),
        ("secret.expiring", {"client": "c1", "expires": "soon"}, "The secret of c1 ends on soon"),
        ("secret.expired", {"client": "c1", "secret": "old"}, "The secret old of c1 has ended"),
        ("limit.reached", {"client": "c1", "limit_name": "quota-day"}, "c1 has used up its limit quota-day"),
        ("errors.high", {"client": "c1", "calls": 9, "errors": 7}, "7 of 9 calls of c1 fail"),
        ("errors.high", {"route": "/orders", "calls": 9, "errors": 7}, "7 of 9 calls of /orders fail"),
        ("something.new", {"a": 1}, "something.new"),
        ("subscription.requested", {"other": 1}, "subscription.requested"),
    ],
)
def test_each_event_has_its_words(event: str, data: dict[str, Any], subject: str) -> None:
    assert mail_of(notice(event, **data), SENDER)["Subject"] == f"[Acme APIs] {subject}"


EVIL = (
    "x\r\nBcc: all@example.org\r\n\r\nbody\n.\nMAIL FROM:<e@example.org>\u2028Bcc: a\x0b\x0cTo: b\x85Cc: c\0"
)


def test_nothing_that_people_write_makes_a_header_or_ends_the_mail() -> None:
    data = {**ASKED, "asked_by": EVIL, "api": EVIL, "note": EVIL}
    read = message_from_bytes(mail_of(notice(**data), SENDER).as_bytes(), policy=default)
    assert list(read.keys()) == list(mail_of(notice(), SENDER).keys())
    assert "\n" not in read["Subject"]
    assert len(read["Subject"]) <= 120
    labels = [line.partition(":")[0] for line in read.get_content().splitlines() if not line.startswith(" ")]
    assert "Bcc" not in labels
    assert "Note" in labels


async def test_a_mail_with_all_of_that_arrives_as_one(box: MailBox) -> None:
    data = {**ASKED, "note": EVIL, "answer": "ü€😀" * 400 + "\n.\n..\nend"}
    attempt = await client(box.port).send(notice(**data))
    assert attempt.taken
    (mail,) = box.mails
    assert box.recipients == [["boss@example.org"]]
    assert (mail["Bcc"], mail["Cc"], mail["To"]) == (None, None, "boss@example.org")
    assert "ü€😀" in mail.get_content()
    assert {"  .", "  ..", "  end"} <= set(mail.get_content().splitlines())


def test_a_subject_is_one_line_and_not_too_long() -> None:
    assert one_line("a\r\nb\x00c\u2028d  e", 50) == "a b c d e"
    assert one_line("a" * 200, 10) == "a" * 9 + "…"


# What the server says of our implicit TLS, which it does not see.
WARNED = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@WARNED
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_mail_goes_by_tls_to_who_is_trusted_with_credentials(
    authority: trustme.CA, tls: Literal["starttls", "implicit"]
) -> None:
    with mail_server(certified(authority), implicit=tls == "implicit") as box:
        assert (await client(box.port, tls, trusting(authority), WORD).send(notice())).taken
        assert box.encrypted == [tls == "starttls"], "of the other it does not know"
        wrong = await client(box.port, tls, trusting(authority), "not the word").send(notice())
        assert (wrong.taken, wrong.final, wrong.words) == (False, False, "SMTPAuthenticationError (535)")
        assert not (await client(box.port, tls, trusting(None), WORD).send(notice())).taken
        assert len(box.mails) == 1


@WARNED
async def test_a_certificate_of_another_host_is_not_taken(authority: trustme.CA) -> None:
    for tls in ("starttls", "implicit"):
        with mail_server(certified(authority, "mail.example"), implicit=tls == "implicit") as box:
            attempt = await client(box.port, tls, trusting(authority), WORD).send(notice())  # type: ignore[arg-type]
            assert (attempt.status, box.mails) == (0, [])


async def test_without_starttls_nothing_is_sent(box: MailBox, authority: trustme.CA) -> None:
    attempt = await client(box.port, "starttls", trusting(authority)).send(notice())
    assert (attempt.status, box.mails) == (0, [])


async def test_a_recipient_who_is_refused_for_good_is_not_tried_again(box: MailBox) -> None:
    box.refuse = "550 no such user"
    attempt = await client(box.port).send(notice())
    assert (attempt.taken, attempt.final) == (False, True)
    box.refuse = "451 later"
    attempt = await client(box.port).send(notice())
    assert (attempt.taken, attempt.final, attempt.words) == (False, False, "its recipient was refused (451)")
    box.refuse, box.answer = "", "452 full"
    attempt = await client(box.port).send(notice())
    assert (attempt.taken, attempt.final, attempt.words) == (False, False, "SMTPDataError (452)")


async def test_a_server_that_is_away_or_silent_costs_an_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        attempt = await client(port, timeout=0.2).send(notice())
    assert (attempt.status, attempt.gone) == (0, False)
    assert not (await client(port).send(notice())).taken

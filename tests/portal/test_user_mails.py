"""People's own e-mail addresses, by page and by REST, with a real mail server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.notices.mail_server import MailBox, mail_server
from tests.notices.receiver import until
from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.pages.test_passkeys import let_age
from tests.portal.pages.test_provider import configured as signed_in_at
from tests.portal.pages.test_provider import sign_in as sign_in_there
from tests.portal.reader import Reader, Sheet, call
from tests.portal.scripted_provider import scripted_provider
from tests.ports import free_port
from tests.running import Running

PAGE = "/portal/account/email"
ROUTE = {"path": "/asked", "upstream": "orders", "access": "request", "docs": {"title": "Asked"}}
ONCE = [{"use": "rate_limit", "with": {"limit": 1, "per": "1h"}}]
LIMITED = {"path": "/limited", "upstream": "orders", "plugins": ONCE}
ORDERS = {"path": "/orders", "upstream": "orders", "scopes": ["orders.read"]}
LINK = re.compile(r"^http://127\.0\.0\.1:1(/portal/confirm-email\?token=[A-Za-z0-9_-]+)$", re.MULTILINE)


def configured(port: int) -> dict[str, Any]:
    """The sections of a gateway.yaml whose people can be written to."""
    mail = {
        "from": "portal@example.org",
        "to": ["boss@example.org"],
        "smtp": {"host": "127.0.0.1", "port": port, "tls": "none"},
    }
    return {
        "tokens": {"key": "k" * 32},
        "routes": [ROUTE, ORDERS, LIMITED],
        "portal": {
            "sign_up": True,
            "users": [{"name": ADMIN, "password": PASSWORD, "admin": True}],
            "notify": {"email": mail, "events": ["user.signed_up"]},
        },
    }


@dataclass
class Site:
    """A gateway, and the mailbox of everybody."""

    running: Running
    box: MailBox

    @property
    def url(self) -> str:
        return self.running.http

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [one for one in self.box.mails if one["To"] == address]

    def await_mail(self, address: str, number: int = 1) -> EmailMessage:
        """The latest mail to an address, once there are so many."""
        until(lambda: len(self.mails_to(address)) >= number)
        return self.mails_to(address)[-1]

    def link_to(self, address: str, number: int = 1) -> str:
        """What is in the latest mail that asks for a confirmation."""
        found = LINK.search(text_of(self.await_mail(address, number)))
        assert found is not None
        return found[1]

    def developer(self) -> tuple[Reader, str]:
        """A new developer who is signed in, and their name."""
        reader, name = Reader(self.url), f"dev-{uuid4().hex[:10]}"
        signed_up = reader.open("/portal/sign-up").submit(
            "/sign-up", name=name, password="correct horse", again="correct horse"
        )
        assert signed_up.status == 200, signed_up.words
        return reader, name

    def confirmed(self) -> tuple[Reader, str, str]:
        """A developer, their name, and their confirmed address."""
        (reader, name), address = self.developer(), address_of()
        reader.open(PAGE).submit("/email", address=address)
        done = reader.open(self.link_to(address)).submit("/confirm-email")
        assert "The e-mail address is confirmed." in done.words
        return reader, name, address


def text_of(mail: EmailMessage) -> str:
    """Its text, as its reader sees it."""
    return str(mail.get_content()).replace("\r\n", "\n")


def address_of() -> str:
    return f"u{uuid4().hex[:12]}@example.org"


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> Iterator[Site]:
    with mail_server() as box:
        yield Site(start(**configured(box.port)), box)


def decided(site: Site, developer: Reader, decision: str, note: str) -> str:
    """The developer asks for the API, and the administrator decides. The application's id."""
    path = developer.application(f"Shop {uuid4().hex[:6]}")
    application = path.rpartition("/")[2]
    asking = developer.open(f"/portal/subscriptions/new?application={application}&api=Asked")
    asked = asking.submit("/subscriptions/new", application=application, api="Asked", note="please")
    assert asked.status == 200, asked.words
    admin = Reader(site.url)
    admin.sign_in(ADMIN, PASSWORD)
    program = Program(site.url, token_of(admin, site.url))
    _, found = program.ask("GET", f"/subscriptions?applicationId={application}")
    (one,) = found["list"]
    answered = program.ask("POST", f"/subscriptions/{one['subscriptionId']}/{decision}", {"note": note})
    assert answered[0] == 200, answered
    return application


def test_without_a_mail_server_nobody_has_an_address(developer: Reader, gateway: str) -> None:
    assert "e-mail" not in developer.open("/portal/account").words
    assert developer.open(PAGE).status == 404
    assert developer.open("/portal/confirm-email?token=x").status == 404
    program = Program(gateway, token_of(developer, gateway))
    assert [program.ask(method, "/me/email")[0] for method in ("GET", "DELETE")] == [404, 404]
    assert program.ask("PUT", "/me/email", {"address": "ann@example.org"})[0] == 404
    status, me = program.ask("GET", "/me")
    assert (status, me["email"]) == (200, None)


def test_an_address_is_confirmed_by_the_button_behind_the_link_once(site: Site) -> None:
    (reader, name), address = site.developer(), address_of()
    assert "/portal/account/email" in reader.open("/portal/account").html
    asked = reader.open(PAGE).submit("/email", address=f"  {address.replace('example.org', 'EXAMPLE.org')} ")
    assert "A mail with a link is on its way." in asked.words
    assert f"{address} not confirmed" in asked.words
    mail = site.await_mail(address)
    assert mail["Subject"] == "[Gatepost] Confirm your e-mail address"
    assert mail["List-Unsubscribe"] is None
    assert f"account {name} of" in " ".join(mail.get_content().split())
    link = site.link_to(address)
    # Programs that look at links confirm nothing.
    for _ in range(2):
        seen = Reader(site.url).open(link)
        assert (seen.status, address in seen.words) == (200, True)
    assert "not confirmed" in reader.open(PAGE).words
    stranger = Reader(site.url)
    done = stranger.open(link).submit("/confirm-email")
    assert (done.url.rpartition("/")[2], done.status) == ("sign-in?done=mail-confirmed", 200)
    assert f"{address} confirmed" in reader.open(PAGE).words
    again = reader.open(link)
    assert (again.status, "confirms nothing any more" in again.words) == (410, True)
    assert reader.open("/portal/confirm-email").url.endswith("/account/email")


def test_an_address_is_confirmed_though_its_user_has_signed_out_meanwhile(site: Site) -> None:
    (reader, _), address = site.developer(), address_of()
    reader.open(PAGE).submit("/email", address=address)
    form = reader.open(site.link_to(address))
    reader.open("/portal/account").submit("/sign-out")
    done = form.submit("/confirm-email")
    assert (done.url.rpartition("/")[2], done.status) == ("sign-in?done=mail-confirmed", 200)


def test_a_form_of_another_browser_confirms_no_address(site: Site) -> None:
    (reader, _), address = site.developer(), address_of()
    reader.open(PAGE).submit("/email", address=address)
    token = parse_qs(urlsplit(site.link_to(address)).query)["token"][0]
    forged = Reader(site.url).open("/portal/confirm-email", f"token={token}&proof=x".encode())
    assert forged.status == 403
    assert "not confirmed" in reader.open(PAGE).words


def test_a_decision_is_told_at_the_address_of_who_asked(site: Site) -> None:
    developer, _, address = site.confirmed()
    application = decided(site, developer, "approve", "welcome\r\nBcc: x@example.org")
    mail = site.await_mail(address, 2)
    assert mail["Subject"] == "[Gatepost] The subscription to Asked is approved"
    assert mail["List-Unsubscribe"] == "<http://127.0.0.1:1/portal/account/email>"
    assert (mail["Content-Language"], mail["Auto-Submitted"], mail["Bcc"]) == ("en", "auto-generated", None)
    assert str(mail["Message-ID"]).endswith("@example.org>")
    text = text_of(mail)
    assert "Note: welcome\n  Bcc: x@example.org\n" in text
    assert f"http://127.0.0.1:1/portal/applications/{application}\n" in text
    assert "Application: Shop" in text


def test_what_is_not_chosen_is_not_told_but_security_is(site: Site) -> None:
    developer, _, address = site.confirmed()
    saved = developer.open(PAGE).submit("/notices", kind=("secrets", "nonsense"))
    assert "Saved." in saved.words
    assert dict(saved.form("/notices").fields)["kind"] == "secrets"
    decided(site, developer, "refuse", "no")
    changed = developer.open("/portal/account").submit(
        "/account", current="correct horse", new="another battery", again="another battery"
    )
    assert changed.status == 200
    mail = site.await_mail(address, 2)
    assert mail["Subject"] == "[Gatepost] Your password was changed"
    assert mail["List-Unsubscribe"] is None
    assert "another battery" not in mail.as_string()
    assert len(site.mails_to(address)) == 2, "the refusal came first, and is not told"


def test_a_limit_that_is_used_up_is_told_to_its_developer(site: Site) -> None:
    developer, _, address = site.confirmed()
    path, made = developer.keys("Shop of limits")
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    token = call(site.url, "/token", {"grant_type": "client_credentials"}, basic=credentials)[1]
    told = [call(site.url, "/limited", bearer=token["access_token"])[0] for _ in range(3)]
    assert told == [200, 429, 429]
    mail = site.await_mail(address, 2)
    assert str(mail["Subject"]).startswith("[Gatepost] Shop of limits")
    assert str(mail["Subject"]).endswith("has used up a limit")
    assert "Calls allowed: 1\n" in text_of(mail)
    assert urlsplit(path).path.rpartition("/")[0] in text_of(mail)
    assert token["access_token"] not in mail.as_string()


def test_a_user_of_the_file_has_an_address_too(site: Site) -> None:
    reader, address = Reader(site.url), address_of()
    assert reader.sign_in(ADMIN, PASSWORD).status == 200
    reader.open(PAGE).submit("/email", address=address)
    assert f"account {ADMIN} of" in " ".join(text_of(site.await_mail(address)).split())
    assert reader.open(site.link_to(address)).submit("/confirm-email").status == 200
    assert f"{address} confirmed" in reader.open(PAGE).words


def test_two_windows_do_not_overwrite_what_is_told_unseen(site: Site) -> None:
    developer, _, _ = site.confirmed()
    first = developer.open(PAGE)
    assert developer.open(PAGE).submit("/notices", kind="errors").status == 200
    refused = first.submit("/notices", kind=("secrets", "limits"))
    assert (refused.status, "This was changed meanwhile" in refused.words) == (409, True)
    ticked = [value for name, value in refused.form("/notices").fields if name == "kind"]
    assert ticked == ["secrets", "limits"], "what was filled in is there still"
    assert "Saved." in refused.submit("/notices").words
    ticked = [value for name, value in developer.open(PAGE).form("/notices").fields if name == "kind"]
    assert ticked == ["secrets", "limits"]


def test_who_signed_in_long_ago_gives_the_password_for_another_address(site: Site, valkey: Valkey) -> None:
    (developer, _), address = site.developer(), address_of()
    assert "Current password" not in developer.open(PAGE).words
    let_age(site.running, valkey, developer, 601)
    for given in ({}, {"current": "wrong"}):
        refused = developer.open(PAGE).submit("/email", address=address, **given)
        assert (refused.status, "This is not your present password." in refused.words) == (422, True)
    assert ("address", address) in refused.form("/email").fields, "it need not be typed again"
    assert refused.submit("/email", current="correct horse").status == 200
    assert f"{address} not confirmed" in developer.open(PAGE).words


def test_an_address_that_the_provider_has_verified_needs_no_link(start: Callable[..., Running]) -> None:
    with scripted_provider() as provider, mail_server() as box:
        sections = signed_in_at(provider.url)
        mail = configured(box.port)
        running = start(**{**mail, **sections, "portal": {**mail["portal"], **sections["portal"]}})
        site, (address, other) = Site(running, box), (address_of(), address_of())
        named = {"preferred_username": "ada", "roles": ["developer"]}
        for verified in (False, "true", None):
            provider.reset("ada", **named, email=address, email_verified=verified)
            assert address not in sign_in_there(Reader(site.url)).reader.open(PAGE).words
        provider.reset("ada", **named, email=address, email_verified=True)
        reader = sign_in_there(Reader(site.url)).reader
        page = reader.open(PAGE)
        assert f"has verified that {address} is yours." in page.words
        assert f"{address} confirmed" in page.submit("/provider").words
        assert "/email/provider" not in reader.open(PAGE).html
        provider.reset("ada", **named, email=other, email_verified=True)
        page = sign_in_there(Reader(site.url)).reader.open(PAGE)
        assert f"{address} confirmed" in page.words, "it is offered, not taken"
        assert f"{other} confirmed" in page.submit("/provider").words
        assert "changed" in site.await_mail(address)["Subject"]
        assert site.mails_to(other) == []


def test_nobody_else_says_that_a_provider_has_verified_an_address(site: Site) -> None:
    (developer, _), address = site.developer(), address_of()
    proof = dict(developer.open(PAGE).form("/email").fields)["proof"]
    told = developer.open(f"{PAGE}/provider", f"proof={proof}&email={address}".encode())
    assert (told.status, address in told.words) == (200, False)
    assert developer.open(f"{PAGE}/provider").url.endswith(PAGE), "who reloads gets the page"


def test_the_former_address_is_told_of_another_one_and_of_its_end(site: Site) -> None:
    developer, _, former = site.confirmed()
    new = address_of()
    developer.open(PAGE).submit("/email", address=new)
    assert f"{former} confirmed" in developer.open(PAGE).words, "until the new one is"
    assert "confirmed" in developer.open(site.link_to(new)).submit("/confirm-email").words
    told = site.await_mail(former, 2)
    assert told["Subject"] == "[Gatepost] Your e-mail address was changed"
    assert new not in told.as_string()
    removed = developer.open(PAGE).submit("/remove")
    assert "The e-mail address is removed." in removed.words
    assert new not in removed.html
    assert "was removed from your account" in " ".join(site.await_mail(new, 2).get_content().split())


def test_a_link_is_over_once_another_address_was_given(site: Site) -> None:
    (developer, _), first, second = site.developer(), address_of(), address_of()
    developer.open(PAGE).submit("/email", address=first)
    link = site.link_to(first)
    developer.open(PAGE).submit("/email", address=second)
    assert developer.open(link).status == 410
    site.await_mail(second)
    developer.open(PAGE).submit("/again")
    assert developer.open(site.link_to(second, 2)).submit("/confirm-email").status == 200


def test_nobody_fills_a_mailbox_with_links(site: Site) -> None:
    box = f"victim{uuid4().hex[:8]}"
    sheets: list[Sheet] = []
    for number in range(4):
        developer, _ = site.developer()
        sheets.append(developer.open(PAGE).submit("/email", address=f"{box}+{number}@example.org"))
    assert [one.status for one in sheets] == [200, 200, 200, 429]
    assert sheets[-1].headers["Retry-After"] == "86400"
    assert "Too many mails with links were asked for. Try again in 24 hours." in sheets[-1].words
    developer, _ = site.developer()
    sheets = [developer.open(PAGE).submit("/email", address=address_of()) for _ in range(6)]
    assert [one.status for one in sheets] == [200] * 5 + [429]
    assert "Try again in an hour." in sheets[-1].words


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "Ann <ann@example.org>",
        "ann@example.org, bob@example.org",
        "ann@example.org\r\nBcc: all@example.org",
        "ann@example.org\0",
        '"ann b"@example.org',
        "ann@[127.0.0.1]",
        "ann@straße.example",
        "änn@example.org",
        "a" * 65 + "@example.org",
        "ann@" + "a." * 130 + "org",
    ],
)
def test_hostile_addresses_are_refused(site: Site, address: str) -> None:
    developer, _ = site.developer()
    page = developer.open(PAGE)
    answered = page.submit("/email", address=address.replace("\0", "\x01"))
    assert answered.status == 422
    assert "This is not an e-mail address" in answered.words
    assert "Bcc" not in developer.open(PAGE).words


def test_mails_are_in_the_language_of_the_page(site: Site) -> None:
    (developer, _), address = site.developer(), address_of()
    developer.open(PAGE).submit("/email", address=address)
    assert site.await_mail(address)["Content-Language"] == "en"
    developer.open(PAGE).submit("/language", language="de", back=PAGE)
    developer.open(PAGE).submit("/again")
    mail = site.await_mail(address, 2)
    assert mail["Subject"] == "[Gatepost] Bestätigen Sie Ihre E-Mail-Adresse"
    assert mail["Content-Language"] == "de"
    assert "Entwicklerportals" in mail.get_content()


def test_a_program_reads_and_changes_the_address_as_it_was_seen(site: Site) -> None:
    developer, name = site.developer()
    program, address = Program(site.url, token_of(developer, site.url)), address_of()
    _, me = program.ask("GET", "/me")
    assert (me["name"], me["role"], me["teams"]) == (name, "developer", [])
    nothing = {"address": None, "pendingAddress": None}
    assert me["email"] == {**nothing, "notices": ["subscriptions", "secrets", "limits", "errors"]}
    assert program.ask("PUT", "/me/email", {"notices": []})[0] == 409
    assert program.ask("DELETE", "/me/email")[0] == 404
    assert program.ask("PUT", "/me/email", {"address": "no address"})[0] == 400
    assert program.ask("PUT", "/me/email", {"notices": ["everything"]})[0] == 400
    status, saved = program.ask("PUT", "/me/email", {"address": address, "notices": ["errors", "secrets"]})
    shape = {"address": None, "pendingAddress": address, "notices": ["secrets", "errors"]}
    assert (status, saved) == (200, shape)
    first = program.headers["ETag"]
    assert developer.open(site.link_to(address)).submit("/confirm-email").status == 200
    late = program.ask("PUT", "/me/email", {"notices": []}, **{"If-Match": first})
    assert (late[0], late[1]["title"]) == (412, "Precondition failed")
    assert program.ask("DELETE", "/me/email", **{"If-Match": first})[0] == 412
    _, read = program.ask("GET", "/me/email")
    assert read == {"address": address, "pendingAddress": None, "notices": ["secrets", "errors"]}
    known = program.headers["ETag"]
    assert program.ask("GET", "/me/email", **{"If-None-Match": known}) == (304, None)
    assert program.ask("PUT", "/me/email", read, **{"If-Match": known})[0] == 200, "what was read goes back"
    assert program.ask("GET", "/me")[1]["email"]["address"] == address
    assert program.ask("DELETE", "/me/email", **{"If-Match": known})[0] == 204
    assert program.ask("GET", "/me")[1]["email"]["address"] is None


def test_a_program_asks_for_too_many_links_and_is_told_when_to_come_back(site: Site) -> None:
    developer, _ = site.developer()
    program = Program(site.url, token_of(developer, site.url))
    told = [program.ask("PUT", "/me/email", {"address": address_of()})[0] for _ in range(6)]
    assert told == [200] * 5 + [429]
    assert program.headers["Retry-After"] == "3600"


def test_owners_and_who_asked_are_told_of_a_team_s_application(site: Site) -> None:
    owner, _, address = site.confirmed()
    member, member_name, member_address = site.confirmed()
    other, other_name, other_address = site.confirmed()
    program = Program(site.url, token_of(owner, site.url))
    _, team = program.ask("POST", "/teams", {"name": f"Team {uuid4().hex[:6]}"})
    for name in (member_name, other_name):
        assert program.ask("POST", f"/teams/{team['teamId']}/members", {"user": name})[0] == 200
    _, made = program.ask("POST", "/applications", {"name": "Ours", "teamId": team["teamId"]})
    _, me = program.ask("GET", "/me")
    assert me["teams"] == [{"teamId": team["teamId"], "name": team["name"], "role": "owner"}]
    wish = {"applicationId": made["applicationId"], "apiId": "Asked"}
    status, asked = Program(site.url, token_of(member, site.url)).ask("POST", "/subscriptions", wish)
    assert status == 201, asked
    admin = Reader(site.url)
    admin.sign_in(ADMIN, PASSWORD)
    decides = Program(site.url, token_of(admin, site.url))
    assert decides.ask("POST", f"/subscriptions/{asked['subscriptionId']}/refuse", {"note": "no"})[0] == 200
    for one in (address, member_address):
        assert site.await_mail(one, 2)["Subject"] == "[Gatepost] The subscription to Asked is refused"
    assert other.open(PAGE).submit("/remove").status == 200
    site.await_mail(other_address, 2)
    subjects = [str(mail["Subject"]) for mail in site.mails_to(other_address)]
    assert not any("refused" in one for one in subjects), "a member who neither owns nor asked"


def test_the_operator_shows_and_clears_an_address_and_lists_none(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, name, address = site.confirmed()
    monkeypatch.chdir(site.running.file.parent)
    assert address not in gatepost("user", "list", "--json").output
    shown = gatepost("user", "email", name)
    assert (shown.exit_code, address in shown.output) == (0, True), shown.output
    cleared = gatepost("user", "email", name, "--clear")
    assert '"cleared": true' in cleared.output
    assert address not in gatepost("user", "email", name).output
    assert "was removed" in site.await_mail(address, 2).get_content()
    assert gatepost("user", "email", "nobody-of-this-name").exit_code == 1


def test_who_is_deleted_or_blocked_is_told_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    developer, name, address = site.confirmed()
    path = developer.application()
    monkeypatch.chdir(site.running.file.parent)
    assert gatepost("user", "block", name).exit_code == 0
    assert gatepost("user", "reset", name).exit_code == 0
    assert gatepost("user", "unblock", name).exit_code == 0
    assert gatepost("user", "reset", name).exit_code == 0
    mail = site.await_mail(address, 2)
    assert mail["Subject"] == "[Gatepost] Your password was changed"
    assert len(site.mails_to(address)) == 2, "that of the time when they were blocked is not told"
    assert gatepost("user", "delete", name).exit_code == 0
    assert gatepost("user", "add", name).exit_code == 0
    assert address not in gatepost("user", "email", name).output, path


def test_while_the_mail_server_is_away_nothing_is_lost(start: Callable[..., Running]) -> None:
    port = free_port()
    running = start(**configured(port))
    with mail_server() as nowhere:
        site = Site(running, nowhere)
        (developer, _), address = site.developer(), address_of()
        asked = developer.open(PAGE).submit("/email", address=address)
        assert "A mail with a link is on its way." in asked.words
    until(lambda: "was not taken, next attempt in 5 s" in running.output)
    assert address not in running.output
    with mail_server(port=port) as box:
        site.box = box
        assert developer.open(site.link_to(address)).submit("/confirm-email").status == 200


def test_while_the_store_is_away_no_address_is_given_confirmed_or_removed(
    start: Callable[..., Running], own_valkey: Valkey
) -> None:
    with mail_server() as box:
        site = Site(start(own_valkey.url, **configured(box.port)), box)
        (developer, _), address = site.developer(), address_of()
        developer.open(PAGE).submit("/email", address=address)
        page, link = developer.open(PAGE), site.link_to(address)
        confirming = Reader(site.url).open(link)
        program = Program(site.url, token_of(developer, site.url))
        own_valkey.freeze()
        try:
            assert [developer.open(PAGE).status, Reader(site.url).open(link).status] == [503, 503]
            assert program.ask("PUT", "/me/email", {"address": address_of()})[0] == 503
            assert page.submit("/remove").status == 503
        finally:
            own_valkey.thaw()
        until(lambda: developer.open(PAGE).status == 200)
        assert f"{address} not confirmed" in developer.open(PAGE).words, "it is as it was"
        assert "The e-mail address is confirmed." in confirming.submit("/confirm-email").words

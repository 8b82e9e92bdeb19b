"""Every page in a language of another script: what stays in Latin letters was never translated."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from gateway.translation.catalogue import shipped
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader
from tests.running import Running

PLACEHOLDER = re.compile(r"(%\(\w+\)s|%%)")
NAME = "名前"
"""Of what the test makes: it has no Latin letters."""
SAME = {
    "UTC",
    "Gatepost",
    "English",
    "JWT",
    "curl",
    "Python",
    "JavaScript",
    "Java",
    "Go",
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
}
"""Names, which are so in every language."""
GIVEN = {ADMIN, "orders", "status", "limited", "small", "tiny", "client", "default", "urllib"}
"""What the configuration and this browser are called."""
SECRET = re.compile(r"[0-9a-f-]{6,}")
"""Names of secrets, ids and dates."""
APART = {"time", "code", "pre", "script", "style", "svg", "title"}
VOID = {"input", "meta", "link", "br", "img"}


def widened(text: str) -> str:
    """The text in letters of full width, with its placeholders as they are."""
    parts = PLACEHOLDER.split(text)
    return "".join(part if PLACEHOLDER.fullmatch(part) else _wide(part) for part in parts)


def _wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if one.isascii() and one.isalpha() else one for one in text)


def wide_catalogue() -> bytes:
    """A catalogue of all messages; Esperanto has the plurals of English."""
    source = shipped("de")
    assert source is not None
    wide = Catalog("eo")
    for message in read_po(BytesIO(source)):
        if message.id:
            texts = message.id if isinstance(message.id, tuple) else (message.id,)
            found = tuple(widened(text) for text in texts)
            wide.add(message.id, found if len(found) > 1 else found[0])
    file = BytesIO()
    write_po(file, wide)
    return file.getvalue()


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside: list[bool] = [True]
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.texts += [has[name] for name in ("aria-label", "placeholder", "data-label") if name in has]
        if tag not in VOID:
            apart = tag in APART or "mono" in has.get("class", "").split() or has.get("lang", "eo") != "eo"
            self.inside.append(self.inside[-1] and not apart)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if self.inside[-1]:
            self.texts.append(data)


def untranslated(html: str) -> set[str]:
    """Words of Latin letters that people read."""
    parser = _Texts()
    parser.feed(html)
    words = (word for text in parser.texts for word in re.findall(r"[A-Za-z][A-Za-z]+", SECRET.sub("", text)))
    return set(words) - SAME - GIVEN


@pytest.fixture(scope="module")
def wide(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> Reader:
    file: Path = tmp_path_factory.mktemp("words") / "eo.po"
    file.write_bytes(wide_catalogue())
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    portal = {"sign_up": True, "users": users, "catalogues": [str(file)], "languages": ["eo"]}
    return Reader(start(portal=portal).http)


def test_every_page_and_every_refusal_is_translated(wide: Reader) -> None:
    found = {}

    def read(path: str, html: str) -> None:
        if left := untranslated(html):
            found[path] = left

    for path in ("/portal/sign-in", "/portal/sign-up", "/portal/none"):
        read(path, wide.open(path).html)
    read("wrong password", wide.open("/portal/sign-in").submit("/sign-in", name="x", password="y").html)
    read("refused account", wide.open("/portal/sign-up").submit("/sign-up", name="", password="").html)
    wide.sign_in(ADMIN, PASSWORD)
    path, keys = wide.keys(NAME)
    read("new keys", keys.html)
    application = path.rpartition("/")[0]
    for page in (
        *("/portal/applications", "/portal/applications?search=%E5%90%8D", "/portal/apis", "/portal/usage"),
        *(
            "/portal/users",
            "/portal/account",
            "/portal/account/sessions",
            "/portal/teams",
            "/portal/refusals",
        ),
        *("/portal/subscriptions", "/portal/applications/new", "/portal/account/passkeys"),
        *(f"{application}{tab}" for tab in ("", "/edit", "/delete", "/owner", "/usage", "/sandbox")),
        *(f"{path}{tab}" for tab in ("", "/secrets", "/calls", "/settings", "/danger")),
    ):
        read(page.replace(application, "…"), wide.open(page).html)
    read("no name", wide.open("/portal/applications/new").submit("/new", name="").html)
    read("name taken", wide.open("/portal/applications/new").submit("/new", name=NAME).html)
    read("no such token", wide.open(f"{path}/danger").submit("/revoke-token", token="x").html)
    read("not sure", wide.open(f"{path}/danger").submit("/clean-up").html)
    read("no such day", wide.open(f"{path}/secrets").submit("/add-secret", ends="x", secret_name="-").html)
    read("lifetime", wide.open(f"{path}/settings").submit("/configure", lifetime="x", scope="no").html)
    read("token", wide.open(path).submit("/generate-token").html)
    read("no such owner", wide.open(f"{application}/owner").submit("/owner", owner="x").html)
    read("no team", wide.open("/portal/teams").submit("/teams/new", name="").html)
    assert not found, "\n".join(f"{path}: {sorted(words)}" for path, words in found.items())

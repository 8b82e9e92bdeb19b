"""A browser without pictures: it follows links, fills in forms and keeps cookies."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from ipaddress import IPv4Address
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener
from uuid import uuid4

from gateway.portal.pages.key_page import TAB_OF

VOID = {"input", "meta", "link", "br"}


@dataclass
class Form:
    """A form of a page, with what it is filled with at first."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    text: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    """What its fields are, by name: the type of an input, `select`, or `textarea`."""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(has.get("action", ""), has.get("method", "get")))
        name = has.get("name", "")
        if name and self.forms and tag in ("input", "select", "textarea"):
            self.forms[-1].kinds[name] = has.get("type", "text") if tag == "input" else tag
        if tag == "input" and name and self.forms:
            if has.get("type") != "checkbox" or "checked" in has:
                self.forms[-1].fields.append((name, has.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in has:
            self.forms[-1].fields.append((self._select, has.get("value", "")))
        elif tag == "textarea":
            self._area = name

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields.append((self._area, data))
        self.words += data.split()

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


@dataclass
class Sheet:
    """A page as it was answered."""

    status: int
    url: str
    headers: HTTPMessage
    body: bytes
    reader: Reader

    @property
    def html(self) -> str:
        return self.body.decode()

    @property
    def words(self) -> str:
        """What a person reads, with single spaces."""
        parser = _Forms()
        parser.feed(self.html)
        return " ".join(parser.words)

    @property
    def forms(self) -> list[Form]:
        """All forms of the page."""
        parser = _Forms()
        parser.feed(self.html)
        return parser.forms

    def form(self, action: str) -> Form:
        """The form whose action ends so."""
        return next(one for one in self.forms if one.action.partition("#")[0].endswith(action))

    def submit(self, action: str, *, drop: Iterable[str] = (), **changes: str | tuple[str, ...]) -> Sheet:
        """Sends the form with some fields filled in otherwise."""
        if (tab := self._tab_of(action)) is not None:
            return tab.submit(action, drop=drop, **changes)
        form = self.form(action)
        pairs = [(name, value) for name, value in form.fields if name not in changes and name not in drop]
        for name, value in changes.items():
            pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return self.reader.open(urljoin(self.url, form.action), urlencode(pairs).encode())

    def _tab_of(self, action: str) -> Sheet | None:
        """The tab of the keys' page that has the form; None where this page has it."""
        keys = re.match(r"(.*/(?:production|sandbox))\b", urlsplit(self.url).path)
        if keys is None or f"{keys[1]}{action}" in self.html:
            return None
        tab = f"{keys[1]}/{TAB_OF.get(action.strip('/'), '')}".rstrip("/")
        return None if urlsplit(self.url).path == tab else self.reader.open(tab)

    def value(self, element: str) -> str:
        """The text of a copyable value."""
        return self.html.partition(f'id="{element}"')[2].partition(">")[2].partition("<")[0]


class Reader:
    """One browser."""

    def __init__(self, base: str, address: str = "") -> None:
        self.base = base
        self.address = address or str(IPv4Address(0x0A000001 + int(uuid4().hex[:5], 16)))
        """Where it seems to be, to a gateway that trusts its proxies."""
        self.cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.cookies))

    def open(self, path: str, body: bytes | None = None, **headers: str) -> Sheet:
        """Asks for a page, and follows where it sends to."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted = Request(urljoin(self.base, path), body, {"X-Forwarded-For": self.address, **sent})
        try:
            with self._opener.open(wanted, timeout=20) as answer:
                return Sheet(answer.status, answer.url, answer.headers, answer.read(), self)
        except HTTPError as error:
            with error:
                return Sheet(error.code, error.url or "", error.headers, error.read(), self)

    def sign_in(self, name: str, password: str) -> Sheet:
        """Signs in at the form."""
        return self.open("/portal/sign-in").submit("/sign-in", name=name, password=password)

    def application(self, name: str = "Shop") -> str:
        """Makes an application; its path."""
        return self.open("/portal/applications/new").submit("/new", name=name).url.partition("?")[0]

    def tab(self, path: str, name: str) -> Sheet:
        """A tab of the keys' page."""
        return self.open(f"{urlsplit(path).path}/{name}")

    def keys(self, name: str = "Shop", environment: str = "production") -> tuple[str, Sheet]:
        """Makes an application with keys: their path, and the page that shows the secret."""
        path = f"{self.application(name)}/{environment}"
        return path, self.open(path).submit("/generate-keys")


def call(
    base: str,
    path: str,
    form: dict[str, str] | None = None,
    *,
    basic: str = "",
    bearer: str = "",
    agent: str = "",
) -> Any:
    """A program's request: the status, and the JSON or text of its answer."""
    request = Request(base + path, urlencode(form).encode() if form is not None else None)
    if basic:
        request.add_header("Authorization", "Basic " + base64.b64encode(basic.encode()).decode())
    if agent:
        request.add_header("User-Agent", agent)
    if bearer:
        request.add_header("Authorization", f"Bearer {bearer}")
    try:
        with build_opener().open(request, timeout=20) as answer:
            return answer.status, _read(answer.read())
    except HTTPError as error:
        with error:
            return error.code, _read(error.read())


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode()

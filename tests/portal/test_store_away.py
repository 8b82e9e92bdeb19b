"""While the store is away, or its answer was lost, each page says so, and the gateway heals by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from gateway.portal.api.operations import OPERATIONS
from tests.conftest import Valkey
from tests.gateway_process import CHEAP_HASHES
from tests.notices.receiver import until
from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.everything import Everything, Found, everything
from tests.portal.reader import Reader, Sheet
from tests.portal.test_outcome import UNKNOWN, pause_writes
from tests.portal.test_two_windows import KEYS
from tests.running import Running

NOTHING = "Nothing was changed"
STANDS = "This is how things stand now"
DEADLINE = 20.0
"""Seconds in which there is an answer: a second for the store's, five for what became of a change; the rest
is for a slow machine."""
LOST = 1.3
"""Seconds for which what writes is held back: longer than the gateway waits."""
AT_ONCE = 8
COPIES = 6
"""Gateways, each with a store of its own, that forms are sent to side by side: most of the time they wait."""
TRIES = 4
"""How often a form is sent that was not begun: what the gateway writes by itself, statistics say, may be held
back on the same connection before the page is read. Then it is true that nothing was changed."""


@pytest.fixture(scope="module")
def store() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.thaw()
    server.remove()


@pytest.fixture(scope="module")
def site(
    start: Callable[..., Running], store: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Everything:
    return everything(start, Path(tmp_path_factory.mktemp("everything")), store.url)


def timed(ask: Callable[[], Sheet]) -> tuple[Sheet, float]:
    begun = time.monotonic()
    return ask(), time.monotonic() - begun


def all_at_once(asks: dict[str, Callable[[], Sheet]]) -> dict[str, tuple[Sheet, float]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(asks, pool.map(timed, asks.values()), strict=True))


def heals(reader: Reader, path: str = "/portal/account") -> None:
    """Fails unless the gateway serves again, with the session that there was."""
    until(lambda: reader.open(path).status == 200, DEADLINE)
    assert urlsplit(reader.open(path).url).path == path


def problems_of(found: dict[str, tuple[Sheet, float]], title: str) -> dict[str, str]:
    """What is wrong with the answers, by what was asked."""
    wrong = {}
    for name, (sheet, seconds) in found.items():
        if sheet.status != 503 or title not in sheet.words or "Retry-After" not in sheet.headers:
            wrong[name] = f"{sheet.status} {sheet.words[:200]}"
        elif seconds > DEADLINE:
            wrong[name] = f"after {seconds:.1f} s"
    return wrong


def page_asks(site: Everything) -> dict[str, Callable[[], Sheet]]:
    return {path: lambda path=path: site.reader.open(path) for _, path in site.pages()}  # type: ignore[misc]


def form_asks(site: Everything) -> dict[str, Callable[[], Sheet]]:
    return {name: lambda one=one: filled(site.reader, one) for name, one in site.forms().items()}  # type: ignore[misc]


def filled(reader: Reader, found: Found) -> Sheet:
    """Sends a form with something that may be."""
    words = {"name": "renamed", "user": "helper", "owner": "helper", "url": "https://other.example.org/"}
    words |= {
        "sure": "yes",
        "current": "correct horse",
        "address": "b@example.org",
        "new": "other word 12",
        "again": "other word 12",
    }
    words |= {"token": "gpt_none", "applications": "delete", "application": "none"}
    return found.send(reader, **{name: text for name, text in words.items() if name in found.form.kinds})


def test_every_page_says_that_a_frozen_store_is_away_and_heals(site: Everything, store: Valkey) -> None:
    asks = page_asks(site)
    store.freeze()
    try:
        found = all_at_once(asks)
    finally:
        store.thaw()
    assert problems_of(found, "The store can't be reached") == {}
    heals(site.reader)
    assert {
        path: sheet.status for path, (sheet, _) in all_at_once(page_asks(site)).items() if sheet.status != 200
    } == {}


def test_every_form_says_that_a_frozen_store_is_away_and_nothing_changes(
    site: Everything, store: Valkey
) -> None:
    asks = form_asks(site)
    before = {name: one.form.fields for name, one in site.forms().items()}
    store.freeze()
    try:
        found = all_at_once(asks)
    finally:
        store.thaw()
    # The session could not be read: so nothing was begun, and that is said.
    assert problems_of(found, NOTHING) == {}
    heals(site.reader)
    assert {name: one.form.fields for name, one in site.forms().items()} == before


def test_every_operation_of_rest_says_that_a_frozen_store_is_away(site: Everything, store: Valkey) -> None:
    program = Program(site.running.http, token_of(site.reader, site.running.http))
    store.freeze()
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            paths = [(one, one.path.replace("{", "x").replace("}", "")) for one in OPERATIONS]
            asked = pool.map(
                lambda one: program.ask(one[0].method, one[1], {} if one[0].body else None), paths
            )
            found = {
                f"{one.method} {one.path}": answer for (one, _), answer in zip(paths, asked, strict=True)
            }
    finally:
        store.thaw()
    wrong = {
        name: answer for name, answer in found.items() if answer[0] != 503 or "503" not in str(answer[1])
    }
    assert wrong == {}
    heals(site.reader)


@dataclass
class Copy:
    """A gateway like the site's, on a store with the same keys, the administrator's session among them."""

    store: Valkey
    admin: Reader
    page: str
    """Where secrets are listed."""
    seen: int = 0
    """How many forms led to how things stand, or to the words that nobody knows."""
    wrong: dict[str, str] = field(default_factory=dict)

    def send(self, forms: Mapping[str, Found]) -> None:
        """Sends one form after the other, each while what writes is held back."""
        secrets = self.secrets()
        assert secrets > 1
        for name, one in forms.items():
            sheet, seconds = self.sent_with_writes_paused(one)
            lost = UNKNOWN in sheet.words or STANDS in sheet.words
            self.seen += lost
            if sheet.status == 200 and NOTHING in sheet.words:
                # It was looked up.
                heals(self.admin)
                assert self.secrets() == secrets, name
                self.seen += 1
            elif NOTHING in sheet.words or (sheet.status >= 500 and not lost) or seconds > DEADLINE:
                self.wrong[name] = f"{sheet.status} after {seconds:.1f} s: {sheet.words[:200]}"

    def secrets(self) -> int:
        return self.admin.open(self.page).html.count("/remove-secret")

    def sent_with_writes_paused(self, found: Found) -> tuple[Sheet, float]:
        """Sends the form while what writes is held back, again as long as it was not begun."""
        for _ in range(TRIES):
            heals(self.admin)
            pause_writes(self.store, LOST)
            sheet, seconds = timed(lambda: filled(self.admin, found))
            if sheet.status != 503 or NOTHING not in sheet.words:
                break
        return sheet, seconds


@contextmanager
def copied(site: Everything, store: Valkey, admin: Reader, page: str, folder: Path) -> Iterator[Copy]:
    """Another gateway with all that the site has, at which the same administrator is signed in."""
    config = yaml.safe_load(site.running.file.read_text())
    other = Valkey()
    other.start()
    with store.client as source, other.client as target:
        for key in source.scan_iter(count=1000):
            if (value := source.dump(key)) is not None:
                target.restore(key, max(source.pttl(key), 0), value)
    config["store"]["url"] = other.url
    config["server"]["listen"] = [{"port": 0, "host": "127.0.0.1"}]
    running = Running(config, folder, **CHEAP_HASHES)
    try:
        running.await_ready()
        reader = Reader(running.http, admin.address)
        for cookie in admin.cookies:
            reader.cookies.set_cookie(cookie)
        yield Copy(other, reader, page)
    finally:
        running.stop()
        other.remove()


def test_no_form_says_that_nothing_was_changed_where_its_answer_was_lost(
    site: Everything, store: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Of a user of gateway.yaml nothing is read by a script, which would be held back as what writes is.
    admin = Reader(site.running.http)
    assert admin.sign_in(ADMIN, PASSWORD).status == 200
    forms = site.forms(admin)
    page = forms[f"{KEYS}/add-secret"].page
    with ExitStack() as stack:
        copies = [
            stack.enter_context(copied(site, store, admin, page, tmp_path_factory.mktemp("copy")))
            for _ in range(COPIES)
        ]
        shares = [dict(list(forms.items())[one::COPIES]) for one in range(COPIES)]
        with ThreadPoolExecutor(COPIES) as pool:
            list(pool.map(Copy.send, copies, shares))
    assert [wrong for one in copies if (wrong := one.wrong)] == []
    assert sum(one.seen for one in copies) > len(forms) / 2


def test_every_page_says_that_a_store_that_is_gone_is_away(site: Everything, store: Valkey) -> None:
    asks = page_asks(site)
    store.kill()
    found = all_at_once(asks)
    store.start()
    assert problems_of(found, "The store can't be reached") == {}

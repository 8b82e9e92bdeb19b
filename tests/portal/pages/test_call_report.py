"""Calls by API, keys, status and reason."""

from __future__ import annotations

import asyncio
import csv
import re
import time
from collections.abc import Callable, Sequence
from io import StringIO

import yaml

from gateway.accounts.calls import RecentCall
from gateway.store import Store
from gateway.store.calls import CallKind
from tests.conftest import Valkey
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.pages.test_calls import token_of
from tests.portal.pages.test_usage import after_settling
from tests.portal.reader import Reader, call
from tests.record_keys import MAC
from tests.running import Running


def test_calls_are_shown_by_api_keys_status_and_reason(developer: Reader, gateway: str) -> None:
    path, made = developer.keys("=Shop")
    application = path.removesuffix("/production")
    assert "There were no calls in this time." in developer.open(f"{application}/calls").words
    token = token_of(gateway, made)
    assert [call(gateway, "/orders/7", bearer=token)[0] for _ in range(3)] == [200] * 3
    assert call(gateway, "/orders", {"a": "b"}, bearer=token)[0] == 403
    shown = after_settling(developer, f"{application}/calls", "/orders Production 403 900910 Not allowed 1")
    assert "/orders Production 200 3" in shown.words
    assert "Calls by day: 3 2xx, 0 3xx, 1 4xx, 0 5xx." in shown.html
    assert "=Shop: Production 200 3" in developer.open("/portal/calls?days=1&keys=production").words
    assert "There were no calls" in developer.open(f"{application}/calls?keys=sandbox&days=7").words
    assert "/orders Production 200 3" in developer.open(f"{application}/calls?keys=x&days=<b>").words
    for file in (f"{application}/calls.csv", "/portal/calls.csv?days=1"):
        rows = list(csv.reader(StringIO(developer.open(file).html, newline="")))
        assert rows[0][:4] == ["day", "application", "environment", "consumer_key"]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row[0]) for row in rows[1:])
        assert [row[1:3] + row[4:] for row in rows[1:]] == [
            ["'=Shop", "production", "/orders", "200", "", "", "3"],
            ["'=Shop", "production", "/orders", "403", "900910", "900910 Not allowed", "1"],
        ]


def test_somebody_elses_calls_are_not_there(developer: Reader, admin: Reader) -> None:
    path = admin.application(f"Counted {id(developer)}")
    for page in ("calls", "calls.csv"):
        assert developer.open(f"{path}/{page}").status == 404
    assert Reader(developer.base).open("/portal/calls").url.endswith("/portal/sign-in?next=/portal/calls")


def written(running: Running, store: Valkey, client_id: str, calls: Sequence[RecentCall]) -> None:
    """Keeps and counts calls of a client, as a worker does."""
    prefix = yaml.safe_load(running.file.read_text())["store"]["prefix"]

    async def write() -> None:
        of_gateway = Store(store.url, prefix, mac=MAC)
        await of_gateway.start()
        counts = {CallKind(one.route, one.status, one.reason): 7 for one in calls}
        await of_gateway.calls.write(client_id, calls, counts, time.time(), 1000)
        await of_gateway.stop()

    asyncio.run(write())


def test_counts_and_last_calls_come_in_pages_that_are_searched_and_sorted(
    start: Callable[..., Running], valkey: Valkey
) -> None:
    running = start()
    reader = Reader(running.http)
    reader.sign_in(ADMIN, PASSWORD)
    path, made = reader.keys()
    now = time.time()
    calls = [
        RecentCall(now - one, "GET", f"/r{one:02}", 200, "", one / 1000, f"id{one}") for one in range(60)
    ]
    written(running, valkey, made.value("consumer-key"), calls)
    report = path.replace("/production", "/calls")
    first = reader.open(f"{report}?days=7&keys=production&sort=api").words
    assert ("/r00" in first, "/r49" in first, "/r50" in first) == (True, True, False)
    assert "1 to 50 of 60" in first
    link = re.search(r'rel="next" href="([^"]*)"', reader.open(f"{report}?days=7&sort=api").html)
    assert link is not None
    second = reader.open(link[1].replace("&amp;", "&")).words
    assert ("/r49" in second, "/r50" in second, "51 to 60 of 60" in second) == (False, True, True)
    found = reader.open(f"{report}?search=R07&days=7")
    assert ("/r07 Production 200 7" in found.words, "/r08" in found.words) == (True, False)
    assert 'type="hidden" name="days" value="7"' in found.html
    assert "days=7&amp;keys=sandbox&amp;search=r07" in found.html
    assert "No results for “nothing”." in reader.open(f"{report}?search=nothing").words
    tab = f"{path}/calls"
    newest = reader.open(tab).words
    assert ("/r00" in newest, "/r50" in newest, "1 to 50 of 60" in newest) == (True, False, True)
    slowest = reader.open(f"{tab}?sort=-duration")
    assert ("/r59" in slowest.words, "/r00" in slowest.words) == (True, False)
    assert 'aria-sort="descending"' in slowest.html
    assert "51 to 60 of 60" in reader.open(f"{tab}?sort=-duration&page=2").words

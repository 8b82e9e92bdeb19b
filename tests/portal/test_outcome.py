"""After a lost answer of the store, a page says what became of the change, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from gateway.portal.outcome import form_page
from tests.conftest import Valkey
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, call
from tests.running import Running

FORM = {"grant_type": "client_credentials"}
UNKNOWN = "Your change may have been made, or not."


@pytest.fixture
def reader(start: Callable[..., Running], own_valkey: Valkey) -> Reader:
    """An administrator, at a gateway whose store the test may disturb."""
    reader = Reader(start(own_valkey.url).http)
    assert reader.sign_in(ADMIN, PASSWORD).status == 200
    return reader


def pause_writes(store: Valkey, seconds: float) -> None:
    """The server answers what reads, and holds back what writes."""
    with store.client as client:
        client.client_pause(int(seconds * 1000), all=False)


def freeze_when_held_back(store: Valkey) -> None:
    """Stops the server, with reads and all, once it holds back the script of an account."""
    deadline = time.monotonic() + 20
    with store.client as client:
        while not any(one["cmd"] == "eval" and "b" in one["flags"] for one in client.client_list()):
            assert time.monotonic() < deadline, client.client_list()
            time.sleep(0.01)
    store.freeze()


def works(reader: Reader, key: str, secret: str) -> bool:
    return bool(call(reader.base, "/token", FORM, basic=f"{key}:{secret}")[0] == 200)


@pytest.mark.parametrize("seconds", [0.4, 1.2, 2.0])
def test_what_a_page_says_of_a_rotation_is_true(reader: Reader, own_valkey: Valkey, seconds: float) -> None:
    path, made = reader.keys()
    key, old = made.value("consumer-key"), made.value("consumer-secret")
    tab = reader.tab(path, "secrets")
    pause_writes(own_valkey, seconds)
    told = tab.submit("/rotate-secret", grace="0")
    # Whatever was held back has been executed by then, or never will be.
    time.sleep(seconds)
    # On a slow machine it may have been asked too late for the answer, or the outcome may not be had in time.
    assert told.status in (200, 503)
    if UNKNOWN in told.words:
        new = told.value("consumer-secret")
        assert works(reader, key, old) != works(reader, key, new)
    elif "Nothing was changed" in told.words:
        assert works(reader, key, old)
        assert reader.tab(path, "secrets").html.count("/remove-secret") == 1
    else:
        assert works(reader, key, told.value("consumer-secret"))
        assert not works(reader, key, old)


def test_a_change_whose_answer_was_lost_leads_to_how_things_stand(reader: Reader, own_valkey: Valkey) -> None:
    path = reader.application("Shop")
    form = reader.open(f"{path}/edit")
    pause_writes(own_valkey, 1.2)
    told = form.submit("/edit", name="Shop 2")
    if told.status == 503:
        assert UNKNOWN in told.words or "Nothing was changed" in told.words
        return
    assert told.url.partition("?")[0].endswith(path)
    assert "This is how things stand now" in told.words


def test_a_page_that_is_not_there_is_not_found_wherever_one_comes_from(reader: Reader) -> None:
    told = reader.open("/portal/applications/none?done=look")
    assert (told.status, "Page not found" in told.words, UNKNOWN in told.words) == (404, True, False)


def test_where_the_outcome_can_not_be_had_the_page_says_so_and_shows_the_secret(
    reader: Reader, own_valkey: Valkey
) -> None:
    path, _ = reader.keys()
    tab = reader.tab(path, "secrets")
    pause_writes(own_valkey, 60)
    freeze = threading.Thread(target=freeze_when_held_back, args=[own_valkey])
    freeze.start()
    told = tab.submit("/rotate-secret", grace="1d")
    freeze.join()
    own_valkey.thaw()
    with own_valkey.client as client:
        client.client_unpause()
    assert told.status == 503
    assert UNKNOWN in told.words
    assert "Nothing was changed" not in told.words
    assert told.value("consumer-secret").startswith("gps_")
    assert f'href="{urlsplit(path).path}/secrets"' in told.html


@pytest.mark.parametrize(
    ("sent_to", "page"),
    [
        ("/portal/applications/7/production/rotate-secret", "/portal/applications/7/production/secrets"),
        ("/portal/applications/7/edit", "/portal/applications/7"),
        ("/portal/applications/new", "/portal/applications"),
        ("/portal/account", "/portal/account"),
        ("/portal/users/store:7/rename", "/portal/users"),
        ("/portal/teams/team:7/rename", "/portal/teams/team:7"),
        ("/portal/teams/new", "/portal/teams"),
        ("/portal/teams/join/code", "/portal/teams"),
    ],
)
def test_a_form_s_page_is_above_where_it_is_sent(sent_to: str, page: str) -> None:
    assert form_page(sent_to) == page

"""Who somebody is, is said by an id that is never used again; names are only shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.signing.master_keys import MasterKeys
from gateway.store.record_mac import PURPOSE, RecordMac
from tests.conftest import Valkey
from tests.portal.api.program import Program
from tests.portal.changing import APP, PERSON, ROOT, Changing, changing

STRANGER = {"name": "ann", "password": "a new person's word"}
SECOND = {"name": "Ann", "password": "second-secret-word"}
Way = Callable[..., None]


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def site(request: pytest.FixtureRequest, tmp_path: Path, backend: str, valkey: Valkey) -> Iterator[Changing]:
    with changing(tmp_path / "site", backend, valkey.url, workers=request.param) as made:
        yield made


@pytest.fixture
def single(tmp_path: Path, backend: str, valkey: Valkey) -> Iterator[Changing]:
    with changing(tmp_path / "site", backend, valkey.url) as made:
        yield made


def programs(site: Changing, token: str) -> list[str]:
    """The names of the applications that a token shows."""
    status, answer = Program(site.url, token).ask("GET", "/applications")
    assert status == 200, answer
    return [one["name"] for one in answer["list"]]


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_who_signs_up_under_the_name_of_a_user_who_left_the_file_owns_nothing_of_his(
    site: Changing, how: str
) -> None:
    apply: Way = getattr(site, how)
    ann = site.signed_in(PERSON)
    path, made = ann.keys("Shop")
    keys = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    tokens = site.log_in(PERSON, scope="portal:manage")
    assert programs(site, tokens["access_token"]) == ["Shop"]

    apply(users=[ROOT])
    assert "/sign-in" in ann.open("/portal/applications").url
    stranger = site.signed_up("ann")
    assert "Shop" not in stranger.open("/portal/applications").words
    assert stranger.open(path).status == 404
    site.refuses([tokens["access_token"]])
    assert site.ask_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])[0] == 400
    theirs = site.log_in(STRANGER, scope="portal:manage")
    assert theirs["access_token"] != tokens["access_token"]
    assert programs(site, theirs["access_token"]) == []
    assert "/sign-in" in ann.open("/portal/applications").url, "the session is not the stranger's"
    status, answer = site.ask_token(basic=keys)
    assert status == 200, answer


def test_who_comes_back_into_the_file_under_the_name_is_another_person(site: Changing) -> None:
    ann = site.signed_in(PERSON)
    path = ann.application("Shop")
    tokens = site.log_in(PERSON)
    site.reload(users=[ROOT])
    site.reload(users=[PERSON, ROOT])
    assert "/sign-in" in ann.open("/portal/applications").url
    again = site.signed_in(PERSON)
    assert again.open(path).status == 404
    site.refuses([tokens["access_token"]])
    assert site.ask_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])[0] == 400


def test_the_same_user_of_the_file_stays_the_same_through_reloads_and_restarts(site: Changing) -> None:
    ann = site.signed_in(PERSON)
    path = ann.application("Shop")
    tokens = site.log_in(PERSON)
    site.reload(users=[ROOT, PERSON])
    site.restart(users=[{**PERSON, "name": "Ann", "admin": True}, ROOT])
    site.accepts(tokens["access_token"])
    assert ann.open(path).status == 200, "in the same session"


def test_keys_of_a_self_made_account_do_not_become_an_administrators_of_the_same_name(
    site: Changing,
) -> None:
    boss = {"name": "boss", "password": "boss-secret-word", "admin": True}
    account = {"name": "boss", "password": "a new person's word"}
    self_made = site.signed_up("boss")
    _, made = self_made.keys("Mine")
    made.submit("/configure", scope=("orders.read", "portal:manage"))
    basic = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    tokens = site.log_in(account, scope="portal:manage")
    site.signed_in(ROOT).application("Of root")

    site.reload(users=[PERSON, ROOT, boss])
    status, answer = site.ask_token(basic=basic, scope="portal:manage")
    assert status == 200
    assert programs(site, answer["access_token"]) == ["Mine"], "not all, as an administrator would see"
    assert "/sign-in" in self_made.open("/portal/applications").url
    site.refuses([tokens["access_token"]])
    assert site.ask_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])[0] == 400
    assert site.reader().sign_in("boss", account["password"]).status == 401, "the name is the file's"
    administrator = site.signed_in(boss)
    assert "Of root" in administrator.open("/portal/applications").words


def test_two_people_of_one_name_stay_two_and_an_administrator_renames_one(single: Changing) -> None:
    site = single
    boss = {"name": "boss", "password": "boss-secret-word", "admin": True}
    path = site.signed_up("boss").application("Mine")
    site.reload(users=[PERSON, ROOT, boss])

    users = site.signed_in(ROOT).open("/portal/users")
    assert "A user of gateway.yaml has this name" in users.words
    form = next(line for line in users.html.splitlines() if "/portal/users/store:" in line)
    action = form.partition('action="')[2].partition('"')[0]
    refused = users.submit(action, name="ROOT")
    assert (refused.status, "This name is taken." in refused.words) == (422, True)
    renamed = users.submit(action, name="boss-2")
    assert "The account is renamed." in renamed.words
    again = site.signed_in({"name": "boss-2", "password": "a new person's word"})
    assert again.open(path).status == 200
    assert site.signed_in(boss).open(path).status == 200, "administrators see all"
    assert site.signed_up("boss-3").open("/portal/users").status == 404, "only administrators"


def test_a_name_of_the_file_cannot_be_signed_up_whatever_gateway_is_asked(
    single: Changing, tmp_path: Path, backend: str, valkey: Valkey
) -> None:
    with changing(tmp_path / "other", backend, valkey.url) as other:
        other.config["store"]["prefix"] = single.prefix
        other.restart(users=[ROOT])
        single.restart(users=[PERSON, ROOT])
        sheet = other.reader().open("/portal/sign-up")
        taken = sheet.submit("/sign-up", name="Ann", password="long enough word", again="long enough word")
        assert (taken.status, "This name is taken." in taken.words) == (422, True)


def test_a_new_password_ends_the_tokens_and_sessions_of_a_user(site: Changing) -> None:
    account = {"name": "eve", "password": "a new person's word"}
    eve = site.signed_up("eve")
    elsewhere = site.signed_in(account)
    tokens = site.log_in(account)
    own = site.token()
    site.accepts(tokens["access_token"])
    changed = eve.open("/portal/account").submit(
        "/account", current=account["password"], new="battery staple", again="battery staple"
    )
    assert "Your password is changed." in changed.words
    site.refuses([tokens["access_token"]])
    assert site.ask_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])[0] == 400
    assert "/sign-in" in elsewhere.open("/portal/account").url
    assert eve.open("/portal/account").url.endswith("/account")
    new = site.log_in({**account, "password": "battery staple"})
    assert new["access_token"] != tokens["access_token"]
    site.accepts(new["access_token"])
    site.accepts(own["access_token"])


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_new_password_in_the_file_ends_the_tokens_and_sessions_of_a_user(site: Changing, how: str) -> None:
    ann = site.signed_in(PERSON)
    path = ann.application("Shop")
    tokens, other = site.log_in(PERSON), site.log_in(ROOT)
    apply: Way = getattr(site, how)
    apply(users=[SECOND, ROOT])
    site.refuses([tokens["access_token"]])
    assert site.ask_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])[0] == 400
    assert site.signed_in(SECOND).open(path).status == 200, "he is still the same person"
    site.accepts(other["access_token"])


def test_a_configuration_that_is_loaded_while_the_store_is_away_lets_nobody_in_before_it_is_applied(
    tmp_path: Path, backend: str, own_valkey: Valkey
) -> None:
    with changing(tmp_path / "site", backend, own_valkey.url) as site:
        tokens = site.log_in(PERSON)
        kept = site.token()
        own_valkey.freeze()
        try:
            site.reload(users=[SECOND, ROOT])
            assert {site.status_of(tokens["access_token"]) for _ in range(4)} == {503}
        finally:
            own_valkey.thaw()
        answers = set()
        while 200 not in answers:
            answers.add(site.status_of(kept["access_token"]))
        assert answers <= {200, 503}
        site.refuses([tokens["access_token"]])


def test_records_of_an_earlier_version_are_made_to_refer_to_ids(single: Changing) -> None:
    site = single
    eve = site.signed_up("Eve")
    for reader, name in ((site.signed_in(PERSON), "Of ann"), (eve, "Of eve"), (site.signed_in(ROOT), "Lost")):
        reader.keys(name)
    site.stop()
    owners = {"Of ann": "Ann", "Of eve": "eve", "Lost": "gone"}
    with site.database as database:
        _as_before_ids(database, site.prefix, owners)

    site.start()
    assert "Of ann" in site.signed_in(PERSON).open("/portal/applications").words
    again = site.signed_in({"name": "eve", "password": "a new person's word"})
    shown = again.open("/portal/applications").words
    assert ("Of eve" in shown, "Of ann" in shown) == (True, False)
    assert "Lost" not in site.signed_up("gone").open("/portal/applications").words
    everything = site.signed_in(ROOT).open("/portal/applications?owner=none").words
    assert "No owner" in everything
    assert ("Lost" in everything, "Of eve" in everything) == (True, False)


def _as_before_ids(database: Any, prefix: str, owners: dict[str, str]) -> None:
    """Rewrites the records as the version before ids has written them."""
    mac = RecordMac(MasterKeys((b"k" * 32,)).derive(PURPOSE))
    for key in ("format", "file:version", "file:users", "file:clients", "file:loads", "file:load_order"):
        database.delete(prefix + key)
    for key in database.scan_iter(f"{prefix}ug:*"):
        database.delete(key)
    for kind in ("users", "apps", "clients"):
        for name, data in database.hgetall(prefix + kind).items():
            record = json.loads(data)
            for member in ("id", "owner_name", "mac"):
                record.pop(member, None)
            if kind != "users":
                record["owner"] = owners[record["name"].removesuffix(" (production)")]
            text = json.dumps(record, separators=(",", ":"))
            database.hset(prefix + kind, name, mac.sign(f"{prefix}{kind} {name.decode()}", text))


def test_a_client_of_the_file_still_acts_as_an_administrator(single: Changing) -> None:
    single.signed_in(PERSON).application("Shop")
    single.reload(clients=[{**APP, "name": "Operations"}])
    assert programs(single, single.token(scope="portal:manage")["access_token"]) == ["Shop"]

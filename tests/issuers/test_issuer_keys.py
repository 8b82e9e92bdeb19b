import asyncio
import json
from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.issuers.issuer_keys import FIRST_RETRY, MAX_AGE, MIN_FETCH_INTERVAL, KeySetFile, RemoteKeys
from tests.issuers.scripted import ISSUER, ScriptedFetch, key_set
from tests.jose.tokens import KEY, OTHER
from tests.services import Clock

URL = "https://id.example/jwks"


class Stage:
    def __init__(self, *, url: str | None = URL) -> None:
        self.clock = Clock()
        self.fetch = ScriptedFetch()
        self.fetch.answers[URL] = key_set(KEY)
        self.changes = 0
        self.keys = RemoteKeys(
            self.fetch, issuer=ISSUER, url=url, refresh=0.01, changed=self._change, clock=self.clock
        )

    def _change(self) -> None:
        self.changes += 1


async def test_keys_are_fetched_once_for_all_who_ask() -> None:
    stage = Stage()
    assert stage.keys.current is None
    assert stage.keys.may_learn
    await asyncio.gather(*(stage.keys.learn() for _ in range(20)))
    assert stage.keys.current is not None
    assert KEY.kid in stage.keys.current
    assert stage.fetch.asked == [URL]


async def test_keys_are_found_by_discovery() -> None:
    stage = Stage(url=None)
    document = json.dumps({"issuer": ISSUER, "jwks_uri": URL}).encode()
    stage.fetch.answers["https://id.example/.well-known/openid-configuration"] = document
    await stage.keys.learn()
    assert stage.keys.current is not None


async def test_tokens_cause_a_question_only_now_and_then() -> None:
    stage = Stage()
    await stage.keys.learn()
    assert not stage.keys.may_learn
    stage.clock.now += MIN_FETCH_INTERVAL
    assert stage.keys.may_learn


async def test_without_keys_the_next_question_comes_sooner_but_not_at_once() -> None:
    stage = Stage()
    stage.fetch.answers.clear()
    await stage.keys.learn()
    assert not stage.keys.may_learn
    stage.clock.now += FIRST_RETRY
    assert stage.keys.may_learn


async def test_an_issuer_that_is_down_does_not_stop_its_known_keys_for_a_day() -> None:
    stage = Stage()
    await stage.keys.learn()
    stage.fetch.answers[URL] = b"nonsense"
    stage.clock.now += MAX_AGE - 1
    await stage.keys.learn()
    assert stage.keys.current is not None
    stage.clock.now += 1
    assert stage.keys.current is None
    stage.fetch.answers[URL] = key_set(KEY)
    await stage.keys.learn()
    assert stage.keys.current is not None


async def test_a_change_is_reported_and_sameness_is_not() -> None:
    stage = Stage()
    await stage.keys.learn()
    await stage.keys.learn()
    assert stage.changes == 1
    stage.fetch.answers[URL] = key_set(OTHER)
    await stage.keys.learn()
    assert stage.changes == 2
    assert stage.keys.current is not None
    assert KEY.kid not in stage.keys.current


async def test_keys_are_kept_fresh_in_the_background() -> None:
    stage = Stage()
    await stage.keys.start()
    async with asyncio.timeout(20):
        while len(stage.fetch.asked) < 3:  # noqa: ASYNC110 (a task of its own asks)
            await asyncio.sleep(0.005)
    await stage.keys.stop()


async def test_it_stops_while_an_answer_is_awaited() -> None:
    stage = Stage()
    stage.fetch.gate.clear()
    await stage.keys.start()
    async with asyncio.timeout(20):
        while not stage.fetch.asked:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.005)
        await stage.keys.stop()


async def test_why_keys_cannot_be_had_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.fetch.answers.clear()
    for _ in range(3):
        await stage.keys.learn()
    assert [record.message for record in caplog.records] == [
        f"the keys of {ISSUER} can't be had: {URL} answered 404"
    ]


def test_keys_in_a_file_are_read_when_they_are_named(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(KEY))
    keys = KeySetFile(file)
    assert keys.current is not None
    assert KEY.kid in keys.current
    file.write_text("nonsense")
    with pytest.raises(StartError, match=r"keys\.json"):
        KeySetFile(file)
    with pytest.raises(StartError, match="can't be read"):
        KeySetFile(tmp_path / "nowhere")

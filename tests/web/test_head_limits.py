"""`server.limits`: heads of requests and responses, small and large, on both ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Valkey
from tests.raw import RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import web_config

SMALL = {"head": 1024, "headers": 8, "target": 100, "answer_head": "4k"}
LARGE = {"head": "48k", "headers": 500, "target": "32k", "answer_head": "48k"}


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(
    scope="module",
    params=[(lane, size) for lane in (True, False) for size in ("small", "large")],
    ids=["fast_path-small", "fast_path-large", "aiohttp-small", "aiohttp-large"],
)
def running(
    request: pytest.FixtureRequest,
    backend: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Running, bool]]:
    lane, size = request.param
    config = web_config(backend, valkey.url, f"limits-{lane}-{size}:", fast_lane=lane)
    config["server"]["limits"] = SMALL if size == "small" else LARGE
    config["routes"] = [{"path": "/open", "upstream": "backend", "auth": "none"}]
    made = Running(config, tmp_path_factory.mktemp("limits"))
    made.await_ready()
    yield made, size == "small"
    made.stop()


async def ask(running: Running, target: str, *headers: str, method: str = "GET") -> RawMessage:
    lines = [f"{method} {target} HTTP/1.1", "Host: a", *headers, "", ""]
    async with await running.connect() as client:
        return await client.ask("\r\n".join(lines).encode())


def path(length: int, start: str = "/open?") -> str:
    return start + "a" * (length - len(start))


@pytest.mark.parametrize("start", ["/open?", "/token?"])
async def test_a_target_as_long_as_the_limit_passes_and_a_longer_one_is_414(
    running: tuple[Running, bool], start: str
) -> None:
    gateway, small = running
    limit = 100 if small else 32 * 1024
    assert (await ask(gateway, path(limit, start), "Content-Length: 0")).status in (200, 405)
    assert (await ask(gateway, path(limit + 1, start), "Content-Length: 0")).status == 414
    assert (await ask(gateway, path(limit + 1, start), method="POST")).status == 414


@pytest.mark.parametrize("target", ["/open", "/token"])
async def test_as_many_headers_as_the_limit_pass_and_more_are_431(
    running: tuple[Running, bool], target: str
) -> None:
    gateway, small = running
    others = (8 if small else 500) - 1
    headers = [f"X-{number}: 1" for number in range(others)]
    assert (await ask(gateway, target, *headers)).status in (200, 405)
    assert (await ask(gateway, target, *headers, "Y: 1")).status == 431
    assert (await ask(gateway, target, *headers[1:], "Y: 1")).status in (200, 405)


@pytest.mark.parametrize("target", ["/open", "/token"])
async def test_headers_of_as_many_bytes_as_the_limit_pass_and_more_are_431(
    running: tuple[Running, bool], target: str
) -> None:
    gateway, small = running
    left = (1024 if small else 48 * 1024) - len("Hosta") - 2
    half = "a" * (left // 2)
    rest = "b" * (left - left // 2)
    assert (await ask(gateway, target, f"X: {half}", f"Y: {rest}")).status in (200, 405)
    assert (await ask(gateway, target, f"X: {half}", f"Y: {rest}b")).status == 431
    # The same with a token: the fast path reads such heads as a template.
    token = "Bearer " + "t" * (left - len("Authorization") - len("Bearer ") + 2)
    assert (await ask(gateway, "/open", f"Authorization: {token}")).status == 200
    assert (await ask(gateway, "/open", f"Authorization: {token}t")).status == 431


async def test_the_head_of_a_response_within_the_limit_passes_and_a_larger_one_is_502(
    running: tuple[Running, bool], backend: RawUpstream
) -> None:
    gateway, small = running
    limit = 4096 if small else 48 * 1024
    backend.reset(says(answer("200 OK", b"hello", "X: " + "a" * (limit - 100))))
    assert (await ask(gateway, "/open")).status == 200
    backend.reset(says(answer("200 OK", b"hello", "X: " + "a" * (limit + 100))))
    assert (await ask(gateway, "/open")).status == 502
    backend.reset()

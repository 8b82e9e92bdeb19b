"""What policies permit comes in, nothing else, and operators learn which policy decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from plugins.authorize import cedar_value
from plugins.cedar_policies import PolicyError, read_policies
from tests.conftest import Valkey
from tests.raw import RawMessage, RawUpstream, raw_upstream
from tests.running import Running
from tests.web_gateway import ask_for_token, problem, web_config

pytest.importorskip("cedarpy")

POLICIES = """\
@id("readers")
permit(principal is Client, action in [Action::"GET", Action::"HEAD"], resource == Route::"/shop/{id}/items")
when { principal.scopes.contains("read") && resource.variables.id == principal.claims.shop };

@id("staff")
permit(principal in Group::"staff", action, resource);

@id("no trace")
forbid(principal, action, resource)
when { context.headers has "x-trace" || (context.query has "debug" && context.query.debug.contains("1")) };

permit(principal is Anonymous, action == Action::"GET", resource == Route::"/public")
when { context.address.isInRange(ip("127.0.0.0/8")) && resource.path like "/public/a*" };

@id("fails")
permit(principal is Client, action == Action::"PUT", resource) when { context.headers["x-needed"] == "1" };
"""
ENTITIES = [
    {"uid": {"type": "Group", "id": "staff"}, "attrs": {}, "parents": []},
    {"uid": {"type": "Client", "id": "other"}, "attrs": {}, "parents": [{"type": "Group", "id": "staff"}]},
]


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def started(
    request: pytest.FixtureRequest,
    backend: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("authorize")
    (folder / "shop.cedar").write_text(POLICIES)
    (folder / "groups.json").write_text(json.dumps(ENTITIES))
    options = {"policies": [str(folder / "shop.cedar")], "entities": str(folder / "groups.json")}
    config = web_config(backend, valkey.url, f"authorize-{request.param}:", fast_lane=request.param)
    use = [{"use": "authorize", "with": options}]
    config["clients"][0]["claims"] = {"shop": "s 1", "__entity": "x"}
    config["routes"] = [
        {"path": "/shop/{id}/items", "upstream": "backend", "plugins": use},
        {"path": "/public", "upstream": "backend", "auth": "none", "plugins": use},
    ]
    running = Running(config, folder)
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
def running(started: Running, backend: RawUpstream) -> Running:
    backend.reset()
    return started


async def token_of(running: Running, client_id: str, form: str = "") -> str:
    async with await running.connect() as client:
        found = await ask_for_token(client, form, f"{client_id}:{client_id}-secret")
    return f"Authorization: Bearer {json.loads(found.content)['access_token']}"


async def ask(running: Running, target: str, *headers: str, method: str = "GET") -> RawMessage:
    async with await running.connect() as client:
        lines = [f"{method} {target} HTTP/1.1", "Host: a", *headers, "", ""]
        return await client.ask("\r\n".join(lines).encode())


async def test_scopes_claims_and_the_paths_variables_decide(running: Running, backend: RawUpstream) -> None:
    reader, nobody = await token_of(running, "demo", "scope=read"), await token_of(running, "demo")
    assert (await ask(running, "/shop/s%201/items", reader)).status == 200
    refused = [
        await ask(running, "/shop/s2/items", reader),
        await ask(running, "/shop/s%201/items", nobody),
        await ask(running, "/shop/s%201/items", reader, method="POST"),
        await ask(running, "/shop/s%201/items", reader, "X-Trace: 1"),
        await ask(running, "/shop/s%201/items?debug=0&debug=1", reader),
    ]
    assert {(one.status, problem(one)["code"], problem(one)["detail"]) for one in refused} == {
        (403, "403", "No policy permits this.")
    }
    assert len(backend.requests) == 1


async def test_groups_come_from_a_file_and_forbid_wins(running: Running) -> None:
    staff = await token_of(running, "other")
    assert (await ask(running, "/shop/any/items", staff, method="DELETE")).status == 200
    assert (await ask(running, "/shop/any/items", staff, "X-Trace: 1")).status == 403


async def test_without_a_token_the_caller_is_anonymous(running: Running) -> None:
    assert (await ask(running, "/public/about")).status == 200
    assert (await ask(running, "/public/%61bout")).status == 200
    assert (await ask(running, "/public/b")).status == 403
    assert (await ask(running, "/shop/1/items")).status == 401


async def test_operators_learn_which_policy_it_was(running: Running) -> None:
    for headers, method, reason in (
        (("X-Trace: 1",), "GET", "forbidden by no trace"),
        ((), "DELETE", "no policy permits it"),
        ((), "PUT", "a policy failed: error while evaluating policy"),
    ):
        token = await token_of(running, "demo")
        running.lines.clear()
        found = await ask(running, "/shop/1/items", token, *headers, method=method)
        assert found.status == 403
        line = await running.line(f"{method} is denied: ")
        assert f"/shop/{{id}}/items: {method} is denied: {reason}" in json.loads(line)["message"]


def test_values_become_such_as_cedar_has() -> None:
    given = {"a": [1, None, 2**63, 1.5, True], "__extn": {"fn": "ip"}, "b": None, "c": {"d": -1}}
    assert cedar_value(given) == {"a": [1, "9223372036854775808", "1.5", True], "c": {"d": -1}}


def test_the_files_are_one_set_of_policies(tmp_path: Path) -> None:
    files = [tmp_path / "a.cedar", tmp_path / "b.cedar"]
    for file in files:
        file.write_text("permit(principal, action, resource);  // without a line's end")
    read_policies(files)
    with pytest.raises(PolicyError, match=r"c\.cedar can't be read: No such file"):
        read_policies([tmp_path / "c.cedar"])


def problems_of(folder: Path, policies: str, entities: str | None = None) -> str:
    (folder / "a.cedar").write_text(policies)
    options: dict[str, Any] = {"policies": [str(folder / "a.cedar")]}
    if entities is not None:
        (folder / "e.json").write_text(entities)
        options["entities"] = str(folder / "e.json")
    config = {
        "upstreams": {"orders": {"servers": [{"url": "http://127.0.0.1:1"}]}},
        "routes": [{"path": "/", "upstream": "orders", "plugins": [{"use": "authorize", "with": options}]}],
    }
    with pytest.raises(ConfigurationError) as refused:
        load_text(yaml.safe_dump(config), {}, PluginCatalog())
    assert "routes[0].plugins[0].with." in str(refused.value)
    return str(refused.value)


GOOD = 'permit(principal, action, resource) when { principal.a == "//;" }; // ;\n'


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        (GOOD + "permit(principal, action resource);", "a.cedar:2:26: unexpected token `resource`"),
        (GOOD + "\n  permit(principal, action, resource)\nwhen { principal.x == };", "a.cedar:4:23: un"),
        (GOOD + 'permit(principal, action, resource)\nwhen { foo("a") };', "a.cedar:3:8: `foo` is"),
        (GOOD + "permit(principal", "a.cedar:2:"),
        ("permit(principal == ?principal, action, resource);", "has a template"),
    ],
)
def test_a_wrong_policy_is_an_error_with_its_file_and_line(tmp_path: Path, policies: str, said: str) -> None:
    assert said in problems_of(tmp_path, policies)


def test_wrong_entities_are_an_error_too(tmp_path: Path) -> None:
    assert "e.json:2:1: Expecting" in problems_of(tmp_path, GOOD, "[\n")
    assert "e.json:1:1: error during entity" in problems_of(tmp_path, GOOD, '[{"uid": 1}]')

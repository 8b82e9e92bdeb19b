"""Custom plugins as docs/pages/how-to/write-a-plugin.md describes them: its examples in a running gateway."""

import hmac
import re
import shutil
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.plugin import HOOKS
from tests.conftest import Valkey
from tests.running import Running
from tests.standards.caller import Caller, client, standard_config

EXAMPLES = Path(__file__).parents[2] / "docs" / "pages" / "examples"
KEY = "0123456789abcdef0123456789abcdef"
TICKET = "urn:example:grant-type:ticket"


def ticket(user: str, end: float, key: str = KEY) -> str:
    signed = f"{urlsafe_b64encode(user.encode()).decode()}.{int(end)}"
    return f"{signed}.{hmac.digest(key.encode(), signed.encode(), 'sha256').hex()}"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Caller]:
    """A gateway that finds the examples in its working directory."""
    folder = tmp_path_factory.mktemp("own")
    for example in EXAMPLES.glob("*.py"):
        shutil.copy(example, folder)
    config = standard_config(folder, upstream, store={"url": valkey.url, "prefix": "own:"})
    config["grants"] = {"ticket": {"enabled": True, "use": "ticket_grant:Ticket", "key": KEY}}
    config["clients"] = [client("shop", grants=["ticket"], scopes=["orders.read"]), client("other")]
    now = time.gmtime().tm_hour
    open_now, closed_now = {"begins": 0, "ends": 24}, {"begins": (now + 3) % 23, "ends": (now + 3) % 23 + 1}
    for path, hours in (("/day", open_now), ("/closed", closed_now)):
        plugin = {"use": "office_hours:OfficeHours", "with": hours}
        config["routes"].append({"path": path, "upstream": upstream, "plugins": [plugin]})
    running = Running(config, folder, PYTHONPATH=f"{folder}:{Path.cwd()}")
    try:
        running.await_ready()
        yield Caller(running)
    except BaseException:
        running.kill()
        raise
    running.stop()


def asked(own: Caller, text: str, by: str = "shop", **form: str) -> tuple[int, dict[str, object]]:
    reply = own.post("/token", by=by, grant_type=TICKET, ticket=text, **form)
    return reply.status, reply.json


def test_a_ticket_gets_a_token_in_its_users_name(own: Caller) -> None:
    status, answer = asked(own, ticket("Grace", time.time() + 60), scope="orders.read")
    assert status == 200
    assert 40 <= int(str(answer["expires_in"])) <= 60
    token = str(answer["access_token"])
    assert dict(own.get("/orders", token).json)["X-Authenticated-UserId"] == "Grace"
    assert own.post("/introspect", token=token).json["username"] == "Grace"


def test_a_bad_ticket_is_invalid_grant(own: Caller) -> None:
    good = ticket("Grace", time.time() + 60)
    wrong = [
        ticket("Grace", time.time() - 1),
        ticket("Grace", time.time() + 60, "x" * 32),
        good + "0",
        good[1:],
        ".",
    ]
    for text in wrong:
        status, answer = asked(own, text)
        assert (status, answer["error"]) == (400, "invalid_grant")
    assert asked(own, good, scope="admin")[1]["error"] == "invalid_scope"


def test_only_clients_that_have_it_may_use_it_and_the_metadata_names_it(own: Caller) -> None:
    assert asked(own, "x", by="other")[1]["error"] == "unauthorized_client"
    grants = own.get("/.well-known/oauth-authorization-server").json["grant_types_supported"]
    assert grants == ["client_credentials", TICKET]


def test_a_route_is_closed_outside_of_its_hours(own: Caller) -> None:
    closed = own.get("/closed")
    assert (closed.status, closed.body) == (503, b"closed\n")
    assert own.get("/day").status == 401


def test_the_examples_import_nothing_of_the_gateway_but_its_plugin_module() -> None:
    for example in EXAMPLES.glob("*.py"):
        modules = re.findall(r"^(?:from|import) (gateway[\w.]*)", example.read_text(), re.MULTILINE)
        assert set(modules) == {"gateway.plugin"}


def test_every_hook_is_described() -> None:
    page = (EXAMPLES.parent / "how-to" / "write-a-plugin.md").read_text()
    for hook in (*HOOKS, "grant", "on_issued", "start", "stop"):
        assert f"`{hook}" in page, f"docs/pages/how-to/write-a-plugin.md says nothing of {hook}"

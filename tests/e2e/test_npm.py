"""OAuth clients of other makers, from npm, talk to the gateway: discovery, authentication, DPoP."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conftest import Valkey
from tests.ports import free_port
from tests.raw import raw_upstream
from tests.standards.caller import client, served
from tests.standards.prover import ALGORITHMS, Keys

SCRIPTS = Path(__file__).parent / "npm"
PACKAGES = Path(__file__).parents[2] / ".venv" / "npm"
"""Where `scripts/test-npm` puts them."""
LIMIT = 60
"""Seconds; a script takes one or two."""

Given = dict[str, Any]


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where node finds the packages. Without them the tests are skipped, never in continuous integration."""
    found = Path(os.environ.get("GATEPOST_NPM", PACKAGES))
    if shutil.which("node") and (found / "node_modules").is_dir():
        return found
    assert "CI" not in os.environ, "node and its packages must be there: scripts/test-npm installs them"
    pytest.skip("node or its packages are not here; scripts/test-npm installs them")


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, packages: Path) -> Iterator[Given]:
    """A gateway whose issuer is where it really is, and what its clients know."""
    folder = tmp_path_factory.mktemp("npm")
    keys = Keys(folder)
    authority = folder / "authority.pem"
    keys.servers.cert_pem.write_to_path(str(authority))
    with raw_upstream() as upstream:
        config = configured(keys, upstream.url, valkey.url)
        with served(config, folder):
            yield {
                "issuer": config["server"]["public_url"],
                "keys": {name: pem(keys.signers[name].key) for name in ALGORITHMS},
                "certificate": keys.shop.file(folder, "shop").read_text(),
                "ca": authority.read_text(),
                "folder": str(folder),
            }


def configured(keys: Keys, upstream: str, store: str) -> dict[str, Any]:
    config = keys.config(upstream, {"url": store, "prefix": "npm:"}, tokens={"dpop_nonce": True})
    _, tls = config["server"]["listen"]
    tls["port"] = free_port()
    config["server"]["public_url"] = f"https://localhost:{tls['port']}"
    config["clients"] += [client("basic"), client("post", auth=["client_secret_post"])]
    config["clients"] += [client("demo", scopes=["orders.read"])]
    config["routes"].append({"path": "/orders", "upstream": upstream, "scopes": ["orders.read"]})
    config["clients"] = list({one["id"]: one for one in config["clients"]}.values())
    return config


def pem(key: Any) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def said(name: str, given: Given, packages: Path) -> dict[str, Any]:
    """What a script finds out."""
    results: dict[str, Any] = json.loads(run_node((SCRIPTS / name).read_text(), given, packages))
    return results


def run_node(script: str, given: Given, packages: Path) -> str:
    """What a module prints."""
    finished = subprocess.run(
        ["node", "--input-type=module", "-"],
        input=script,
        cwd=packages,
        env={
            **os.environ,
            "GATEPOST": json.dumps(given),
            "NODE_EXTRA_CA_CERTS": str(Path(given["folder"]) / "authority.pem"),
        },
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_oauth4webapi(given: Given, packages: Path) -> None:
    ways = {"basic": "basic", "post": "post", "tls": "subject"} | dict.fromkeys(ALGORITHMS, "keys")
    found = said("oauth4webapi.mjs", given, packages)
    for way, client_id in ways.items():
        assert found.pop(way) == ["bearer", True, client_id, False], way
    assert found.pop("resource") == [given["issuer"]]
    assert sorted(found) == ["DPoP ES256", "DPoP Ed25519", "DPoP PS256", "DPoP RS256"]
    for way, (kind, asked, status, told, same) in found.items():
        assert (kind, asked, status, told, same) == ("dpop", True, 200, "DPoP", True), way


def test_openid_client(given: Given, packages: Path) -> None:
    found = said("openid-client.mjs", given, packages)
    for way in ("basic", "post", "key"):
        assert found.pop(way) == ["bearer", True, 200, False], way
    assert found.pop("default") == "bearer"
    assert found == {"dpop": ["dpop", 200, "invalid_token"], "wrong": 401}


def test_simple_oauth2(given: Given, packages: Path) -> None:
    assert said("simple-oauth2.mjs", given, packages) == {
        "basic": ["Bearer", False, 200, 401],
        "post": ["Bearer", False, 200, 401],
        "wrong": "invalid_client",
    }


PAGE = Path(__file__).parents[2] / "docs" / "pages" / "how-to" / "call-an-api.md"
PROGRAMS = re.findall(r"^```js\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=["openid-client", "simple-oauth2"])
def test_the_programs_of_the_documentation_call_an_api(program: str, given: Given, packages: Path) -> None:
    # This upstream answers in plain text.
    program = program.replace("https://localhost:8243", given["issuer"]).replace(
        "reply.json()", "reply.text()"
    )
    assert run_node(program, given, packages) == "hello\n"

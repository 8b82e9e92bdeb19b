"""A program that works the REST interface."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

from tests.portal.reader import Reader, call

ROOT = "/portal/api/v1"


class Program:
    """Speaks JSON, with a token."""

    def __init__(self, base: str, token: str | None) -> None:
        self.base = base
        self.token = token
        self.headers: Any = {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        wanted = Request(self.base + ROOT + path, data, {**sent, **headers}, method=method)
        try:
            with urlopen(wanted, timeout=20) as answer:
                self.headers, text = answer.headers, answer.read()
                return answer.status, json.loads(text) if text else None
        except HTTPError as error:
            with error:
                self.headers, text = error.headers, error.read()
                return error.code, json.loads(text) if text else None


def token_of(reader: Reader, gateway: str, *scopes: str) -> str:
    """A token of a new application of whoever is signed in; its keys have the scope portal:manage."""
    _, made = reader.keys(f"Automation {uuid4().hex}")
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    made.submit("/configure", scope=("orders.read", "portal:manage"))
    form = {"grant_type": "client_credentials", "scope": " ".join(scopes or ("portal:manage",))}
    status, token = call(gateway, "/token", form, basic=credentials)
    assert status == 200, token
    return str(token["access_token"])

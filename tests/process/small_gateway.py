"""A gateway of a few lines, to see what the process around it does: `small_gateway.py FILE`.

It serves under the real supervisor, with the real settings; only what is served is small.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import yaml
from aiohttp import web
from pydantic import ValidationError

from gateway.config.model import Settings
from gateway.errors import GatepostError, StartError
from gateway.process.management import management_app
from gateway.process.process_status import ProcessStatus
from gateway.process.readiness import Readiness
from gateway.process.supervisor import serve
from gateway.process.workers import nothing_to_describe, serve_workers
from gateway.telemetry import Telemetry


class SmallGateway:
    def __init__(
        self,
        settings: Settings,
        *,
        store_url: str,
        telemetry: Telemetry,
        record_request: Callable[..., None] | None,
        tracer: object = None,
        status: ProcessStatus,
    ) -> None:
        self.version = settings.store.prefix
        self.built_in = threading.current_thread()
        self.store_url = store_url
        self.telemetry = telemetry
        self.record_request = record_request
        app = web.Application()
        app.router.add_get("/", self.about)
        app.router.add_get("/held/{file}", self.held)
        app.router.add_get("/endless", self.endless)
        self.runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        self.redirect_runner: web.BaseRunner | None = None
        self.grpc_protocol: Callable[[], asyncio.Protocol] | None = None
        self.management = management_app(
            self.ready, telemetry, {"/status": lambda: status.document(telemetry.aggregate())}
        )

    async def start(self) -> None:
        if self.version.startswith("broken"):
            raise StartError("it does\nnot start")
        if self.version.startswith("buggy"):
            raise KeyError(self.version)
        if self.version.startswith("hangs"):
            logging.getLogger("small").warning("hangs")
            await asyncio.Event().wait()
        logging.getLogger("small").debug("started %s", self.version)
        await self.runner.setup()

    async def stop(self) -> None:
        await self.runner.cleanup()

    async def ready(self) -> Readiness:
        """Always ready."""
        return Readiness()

    async def about(self, request: web.Request) -> web.Response:
        self.telemetry.request(self.version, request.method, 200, 0.001)
        if self.record_request is not None:
            self.record_request(("-", "GET", b"/", 200, 0, 0.0, "/", "-", "-"))
        facts = {"pid": os.getpid(), "version": self.version, "store": self.store_url}
        return web.json_response(facts | {"beside": self.built_in is not threading.main_thread()})

    async def held(self, request: web.Request) -> web.StreamResponse:
        """Sends the head at once, and the body when the file beside the configuration exists."""
        body = json.dumps({"version": self.version}).encode()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = len(body)
        await response.prepare(request)
        file = Path(sys.argv[1]).with_name(request.match_info["file"])
        while not file.exists():  # noqa: ASYNC110 (a test's own file, which tells nobody)
            await asyncio.sleep(0.01)
        await response.write(body)
        return response

    async def endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        # A shutdown closes the connection, and may do so just before the next piece.
        with suppress(ConnectionError):
            while True:
                await response.write(b"more\n")
                await asyncio.sleep(0.05)
        return response


def load() -> Settings:
    try:
        content: Any = yaml.safe_load(Path(sys.argv[1]).read_text())
        return Settings.model_validate(content)
    except (yaml.YAMLError, ValidationError) as error:
        raise GatepostError("first problem\nsecond problem") from error


def main() -> NoReturn:
    program = partial(serve_workers, SmallGateway, nothing_to_describe)
    sys.exit(serve(load, lambda: program))


if __name__ == "__main__":
    main()

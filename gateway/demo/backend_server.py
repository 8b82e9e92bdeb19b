"""Serves the sample backend in the process of `gatepost demo`."""

from __future__ import annotations

from aiohttp import web

from gateway.demo.backend import sample_app
from gateway.errors import StartError


class SampleBackend:
    """The sample backend, listening at the address of the demo's upstream."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._runner = web.AppRunner(sample_app(), access_log=None)

    async def start(self) -> None:
        """Starts listening.

        Raises:
            StartError: the address can't be bound.
        """
        await self._runner.setup()
        # During a reload the next instance listens beside this one.
        site = web.TCPSite(self._runner, self._host, self._port, reuse_port=True)
        try:
            await site.start()
        except OSError as error:
            reason = f"the sample backend can't listen on {self._host}:{self._port}: {error.strerror}"
            raise StartError(reason) from error

    async def stop(self) -> None:
        """Closes the port."""
        await self._runner.cleanup()

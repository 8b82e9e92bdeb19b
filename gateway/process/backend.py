"""The sample backend, served by the demo's own process."""

from __future__ import annotations

from aiohttp import web

from gateway.errors import StartError
from gateway.web.sample import sample_app


class SampleBackend:
    """Listens where the demo's upstream points to."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._runner = web.AppRunner(sample_app(), access_log=None)

    async def start(self) -> None:
        """Listens.

        Raises:
            StartError: another program has the port.
        """
        await self._runner.setup()
        # While the configuration is reloaded, the next one listens beside this one.
        site = web.TCPSite(self._runner, self._host, self._port, reuse_port=True)
        try:
            await site.start()
        except OSError as error:
            reason = f"the sample backend can't listen on {self._host}:{self._port}: {error.strerror}"
            raise StartError(reason) from error

    async def stop(self) -> None:
        """Closes the port."""
        await self._runner.cleanup()

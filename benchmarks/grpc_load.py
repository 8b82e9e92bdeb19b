"""A server of gRPC and a load of streams, by grpcio: `python -m benchmarks.grpc_load serve PORT`, or `load TASK`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import grpc

from benchmarks.load import LOAD_CORE, Outcome, outcome

UNARY, STREAM = "/bench.Echo/Get", "/bench.Echo/List"
MESSAGE = b"x" * 120
LENGTH = 1000
"""Messages of a stream."""


def framed(message: bytes) -> bytes:
    """As it stands in a body (gRPC over HTTP/2, Length-Prefixed-Message): not compressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def run_streams(port: int, token: str, seconds: float, streams: int = 16) -> Outcome:
    """Streams from a process of its own. A request is one message; its latency, the time from one to the next."""
    task = {"port": port, "token": token, "seconds": seconds, "streams": streams}
    command = [
        "taskset",
        "-c",
        str(LOAD_CORE),
        sys.executable,
        "-m",
        "benchmarks.grpc_load",
        "load",
        json.dumps(task),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Outcome(**json.loads(done.stdout))


def check_call(port: int, token: str) -> None:
    """Fails unless a call succeeds: what fails has the status 200 in HTTP, too."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = channel.unary_unary(UNARY)(
            MESSAGE, metadata=(("authorization", f"Bearer {token}"),), timeout=10
        )
    if answer != MESSAGE:
        raise RuntimeError("the call is answered otherwise")


class Echo(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio has no types
    """Methods whose messages are bytes."""

    def service(self, details: Any) -> Any:
        """One method of each kind that is measured."""
        return {
            UNARY: grpc.unary_unary_rpc_method_handler(self.get),
            STREAM: grpc.unary_stream_rpc_method_handler(self.list),
        }.get(details.method)

    async def get(self, message: bytes, _: Any) -> bytes:
        """The same again."""
        return message

    async def list(self, message: bytes, _: Any) -> AsyncIterator[bytes]:
        """The same many times."""
        for _number in range(LENGTH):
            yield message


async def serve(port: int) -> None:
    """Until it is ended."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


async def load(port: int, token: str, seconds: float, streams: int) -> Outcome:
    """So many streams at once, one after the other."""
    begun = time.perf_counter()
    waits: list[float] = []
    wrong: dict[str, int] = {}

    async def call(channel: grpc.aio.Channel) -> None:
        ask = channel.unary_stream(STREAM)
        while time.perf_counter() < begun + seconds:
            last = time.perf_counter()
            try:
                async for _ in ask(MESSAGE, metadata=(("authorization", f"Bearer {token}"),)):
                    now = time.perf_counter()
                    waits.append(now - last)
                    last = now
            except grpc.RpcError as error:
                kind = str(error.code())
                wrong[kind] = wrong.get(kind, 0) + 1

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await asyncio.gather(*(call(channel) for _ in range(streams)))
    return outcome(waits, time.perf_counter() - begun, wrong)


def main(kind: str, text: str) -> None:
    """Serves, or loads and prints what came of it."""
    if kind == "serve":
        asyncio.run(serve(int(text)))
    else:
        print(json.dumps(asdict(asyncio.run(load(**json.loads(text))))))


if __name__ == "__main__":
    main(*sys.argv[1:])

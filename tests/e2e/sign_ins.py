"""Sign-ins of a stranger, as many at once as are wanted: a process of its own can do them at little cost.

It imports nothing but the standard library, so that such a process starts at once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from urllib.parse import urlencode


def request(host: str, headers: dict[str, str], form: dict[str, str]) -> bytes:
    body = urlencode(form)
    lines = [
        "POST /portal/sign-in HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join((*lines, "", body)).encode()


async def status(port: int, data: bytes) -> int:
    """Of the answer to a request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


def attack(port: int, headers: dict[str, str], proof: str) -> Counter[int]:
    """Nine hundred at once, from one address and with one page's proof: the statuses of their answers."""

    async def run() -> Counter[int]:
        forms = (
            {"proof": proof, "name": f"name-{number % 90}", "password": "guess"} for number in range(900)
        )
        asked = (status(port, request(f"127.0.0.1:{port}", headers, form)) for form in forms)
        return Counter(await asyncio.gather(*asked))

    return asyncio.run(run())

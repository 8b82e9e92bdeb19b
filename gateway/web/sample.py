"""A backend to try the gateway with: `python -m gateway.web.sample [--port 9001]`."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

MOST_ORDERS = 1000
"""The oldest are forgotten: this is a sample, kept in memory."""

MOST_BYTES = 64 * 1024

ORDERS = web.AppKey("orders", dict[int, dict[str, Any]])
NUMBERS = web.AppKey("numbers", Iterator[int])


def sample_app() -> web.Application:
    """`/orders`, `/status`, `/health` and `/echo`."""
    app = web.Application(client_max_size=MOST_BYTES)
    app[NUMBERS] = itertools.count(1)
    app[ORDERS] = {}
    for item in ("bicycle bell", "rain cape"):
        _keep(app, {"item": item, "quantity": 1})
    app.router.add_get("/orders", list_orders)
    app.router.add_post("/orders", create_order)
    app.router.add_get("/orders/{number:[0-9]{1,9}}", one_order)
    app.router.add_get("/status", status)
    app.router.add_get("/health", health)
    app.router.add_route("*", "/echo{rest:(/.*)?}", echo)
    return app


async def list_orders(request: web.Request) -> web.Response:
    """All orders, the oldest first."""
    return web.json_response(list(request.app[ORDERS].values()))


async def create_order(request: web.Request) -> web.Response:
    """Keeps a JSON object as an order."""
    try:
        wish = json.loads(await request.read())
    except ValueError:
        wish = None
    if not isinstance(wish, dict):
        return web.json_response({"error": "send a JSON object"}, status=400)
    order = _keep(request.app, wish)
    return web.json_response(order, status=201, headers={"Location": f"/orders/{order['id']}"})


async def one_order(request: web.Request) -> web.Response:
    """One order by its number."""
    order = request.app[ORDERS].get(int(request.match_info["number"]))
    if order is None:
        return web.json_response({"error": "no such order"}, status=404)
    return web.json_response(order)


async def status(request: web.Request) -> web.Response:
    """What a status page might ask for."""
    return web.json_response({"status": "ok", "orders": len(request.app[ORDERS])})


async def health(_: web.Request) -> web.Response:
    """What the gateway's health checks ask for."""
    return web.Response(text="ok\n")


async def echo(request: web.Request) -> web.Response:
    """What came in, so that one sees what the gateway sent."""
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path.partition("?")[0],
            "query": request.raw_path.partition("?")[2],
            "headers": [[name, value] for name, value in request.headers.items()],
            "body": body.decode("utf-8", errors="replace"),
        }
    )


def _keep(app: web.Application, wish: dict[str, Any]) -> dict[str, Any]:
    numbers: Iterator[int] = app[NUMBERS]
    number = next(numbers)
    orders = app[ORDERS]
    orders[number] = wish | {"id": number}
    if len(orders) > MOST_ORDERS:
        del orders[next(iter(orders))]
    return orders[number]


def main() -> None:
    """Serves the sample backend until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m gateway.web.sample", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9001)
    options = parser.parse_args()
    web.run_app(sample_app(), host=options.host, port=options.port, print=None)


if __name__ == "__main__":
    main()

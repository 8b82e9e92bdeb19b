"""A sample backend: `python -m gateway.demo.backend [--port 9001]`."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

MAX_ORDERS = 1000
"""Orders kept in memory; the oldest are dropped."""

MAX_BODY = 64 * 1024

ORDERS = web.AppKey("orders", dict[int, dict[str, Any]])
NUMBERS = web.AppKey("numbers", Iterator[int])


def sample_app() -> web.Application:
    """`/orders`, `/status`, `/health` and `/echo`."""
    app = web.Application(client_max_size=MAX_BODY)
    app[NUMBERS] = itertools.count(1)
    app[ORDERS] = {}
    for item in ("bicycle bell", "rain cape"):
        _store_order(app, {"item": item, "quantity": 1})
    app.router.add_get("/orders", list_orders)
    app.router.add_post("/orders", create_order)
    app.router.add_get("/orders/{number:[0-9]{1,9}}", one_order)
    app.router.add_get("/status", status)
    app.router.add_get("/health", health)
    app.router.add_route("*", "/echo{rest:(/.*)?}", echo)
    return app


async def list_orders(request: web.Request) -> web.Response:
    """Lists all orders, the oldest first."""
    return web.json_response(list(request.app[ORDERS].values()))


async def create_order(request: web.Request) -> web.Response:
    """Creates an order from a JSON object."""
    try:
        order_data = json.loads(await request.read())
    except ValueError:
        order_data = None
    if not isinstance(order_data, dict):
        return web.json_response({"error": "send a JSON object"}, status=400)
    order = _store_order(request.app, order_data)
    return web.json_response(order, status=201, headers={"Location": f"/orders/{order['id']}"})


async def one_order(request: web.Request) -> web.Response:
    """Returns an order by its number."""
    order = request.app[ORDERS].get(int(request.match_info["number"]))
    if order is None:
        return web.json_response({"error": "no such order"}, status=404)
    return web.json_response(order)


async def status(request: web.Request) -> web.Response:
    """Status and number of orders."""
    return web.json_response({"status": "ok", "orders": len(request.app[ORDERS])})


async def health(_: web.Request) -> web.Response:
    """The target of the gateway's health checks."""
    return web.Response(text="ok\n")


async def echo(request: web.Request) -> web.Response:
    """Returns the received request, to show what the gateway has forwarded."""
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


def _store_order(app: web.Application, order_data: dict[str, Any]) -> dict[str, Any]:
    numbers: Iterator[int] = app[NUMBERS]
    number = next(numbers)
    orders = app[ORDERS]
    orders[number] = order_data | {"id": number}
    if len(orders) > MAX_ORDERS:
        del orders[next(iter(orders))]
    return orders[number]


def main() -> None:
    """Serves the sample backend until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m gateway.demo.backend", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9001)
    options = parser.parse_args()
    web.run_app(sample_app(), host=options.host, port=options.port, print=None)


if __name__ == "__main__":
    main()

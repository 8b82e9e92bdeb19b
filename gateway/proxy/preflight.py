"""CORS preflights: a browser asks whether a page may send a request (Fetch standard, section 3.2.2)."""

from __future__ import annotations

from gateway.http.exchange import RequestHead
from gateway.http.problems import Problem
from gateway.http.route import Route
from gateway.proxy.route_table import RouteTable


def preflight_route(routes: RouteTable, request: RequestHead) -> Route | None:
    """The route of the request that a preflight asks about, where its plugins answer preflights.

    A preflight never carries credentials, and its own method need not be one of the route's: so it is
    looked at before either is judged. None for every other request.
    """
    if request.method != "OPTIONS" or not request.header("origin"):
        return None
    method = request.header("access-control-request-method")
    if not method:
        return None
    try:
        route = routes.match(request, method, preflight=True)
    except Problem:
        return None
    return route if route.pipeline.on_preflight else None

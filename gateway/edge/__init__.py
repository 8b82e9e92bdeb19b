"""The edge: an Envoy that the gateway runs for listeners with HTTP/2 and HTTP/3.

It ends TLS and HTTP, and hands each request on in HTTP/1.1 by a Unix socket. What it is told is made here by
pure functions of the configuration: `resources` is where that begins.
"""

"""What an upstream calls itself, and where its paths are for clients."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamNames:
    """What the upstream of one route calls itself, and where the gateway has put it."""

    prefix: bytes = b""
    """What `strip_prefix` cuts off the client's path; empty: nothing."""
    base_path: bytes = b""
    """What is put before the path that goes upstream; empty: nothing."""
    servers: frozenset[bytes] = frozenset()
    """Its servers, each as host:port in lower case."""

    def client_path(self, path: bytes) -> bytes:
        """Where clients find what the upstream has at `path`.

        A path that is under the prefix already stays, and so does one that this route can't lead to.
        """
        prefix, base = self.prefix, self.base_path
        within = not base or is_under(path, base)
        longer = within and len(base) > len(prefix)
        if not within or (prefix and not longer and is_under(path, prefix)):
            return path
        found = prefix + path[len(base) :]
        # A path that begins with two slashes, or what browsers take for them, would name another host.
        return found if prefix else b"/" + found.lstrip(b"/\\")

    def cookie_path(self, path: bytes) -> bytes:
        """As `client_path`, for a cookie's Path: one above the base path covers all of the route."""
        if is_under(self.base_path or b"/", path.rstrip(b"/")):
            return self.prefix or b"/"
        return self.client_path(path)


def is_under(path: bytes, prefix: bytes) -> bool:
    """Whether the path is the prefix, or below it. An empty prefix is that of every path."""
    return path == prefix or path.startswith(prefix + b"/")

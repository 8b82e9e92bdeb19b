"""URLs and cookies in responses, as the client must read them.

An upstream that is reached under a prefix, or by a name of its own, writes URLs and cookies of its own view.
This turns them into those of the client: paths come under the route's prefix, and where the upstream named
itself, scheme and host become the client's. What is under the prefix already stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

from gateway.http.exchange import Header, Headers
from gateway.http.upstream_names import UpstreamNames

_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
# RFC 3986 section 3: an authority, with or without a scheme; browsers take a backslash for a slash there.
_WITH_AUTHORITY = re.compile(rb"(?:([A-Za-z]++):)?//([^/?#\\]*+)([^?#]*+)(.*)", re.DOTALL)
_WITHOUT_AUTHORITY = re.compile(rb"([^?#]*+)(.*)", re.DOTALL)
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*+:")
_PORT = re.compile(rb":[0-9]*+\Z")
# HTML, section 4.2.5.3 (Pragma directives), "shared declarative refresh steps".
_REFRESH = re.compile(
    rb"""[ \t]*+[0-9.]++(?:[ \t]*+[;,]|[ \t])[ \t]*+(?:[uU][rR][lL][ \t]*+=[ \t]*+)?(['"]?)"""
)


@dataclass(frozen=True, slots=True)
class PublicUrls:
    """How the URLs of one response are seen by its client."""

    scheme: bytes
    """The client's."""
    host: bytes
    """The host that the client asked for, in lower case, with its port; empty: unknown."""
    own_hosts: frozenset[bytes]
    """The Hosts that the upstream was sent, in lower case."""
    names: UpstreamNames
    requested: bytes
    """The path as the client sent it."""
    sent: Callable[[], bytes]
    """The path that went upstream."""
    client_path: Callable[[bytes], bytes | None]
    """Where clients find a path of the upstream's by the route's plugins; None: they don't say."""

    def headers(self, headers: Headers) -> Headers:
        """The headers with their URLs and cookies for the client."""
        return [self._header(item) for item in headers]

    def _header(self, item: Header) -> Header:
        rewrite = _REWRITES.get(item[0].lower())
        return item if rewrite is None else (item[0], rewrite(self, item[1]))

    def url(self, url: bytes) -> bytes:
        """A URL or a relative reference."""
        named = _WITH_AUTHORITY.fullmatch(url)
        if named is not None:
            scheme, authority, path, rest = named.groups()
            origin = self._origin(scheme, authority)
            if origin is None:
                return url
            # RFC 3986 section 6.2.3: of http, an empty path is the same as "/".
            public = self._path(path) if path else self._path(b"/").rstrip(b"/")
            return origin + public + rest
        if _SCHEME.match(url):
            return url
        found = _WITHOUT_AUTHORITY.fullmatch(url)
        assert found is not None  # noqa: S101 (for mypy: the pattern matches everything)
        path, rest = found.groups()
        if not path:
            return url
        return (self._path(path) if path.startswith(b"/") else self._relative(path)) + rest

    def refresh(self, value: bytes) -> bytes:
        """The value of a Refresh header."""
        start = _REFRESH.match(value)
        if start is None:
            return value
        url, end = value[start.end() :], b""
        if start[1]:
            url, mark, after = url.partition(start[1])
            end = mark + after
        return value[: start.end()] + self.url(url) + end if url else value

    def cookie(self, value: bytes) -> bytes:
        """The value of a Set-Cookie header (RFC 6265 section 5.2)."""
        pair, *attributes = value.split(b";")
        # RFC 6265bis section 4.1.3.2: such a cookie has no Domain, and the Path "/". Its prefix has no case.
        if pair.strip().lower().startswith(b"__host-"):
            return value
        return b";".join([pair, *(self._attribute(attribute) for attribute in attributes)])

    def _attribute(self, attribute: bytes) -> bytes:
        name, mark, value = attribute.partition(b"=")
        key, given = name.strip().lower(), value.strip()
        if key == b"path" and given.startswith(b"/"):
            return name + mark + self._cookie_path(given)
        if key == b"domain" and self._is_own_name(given.removeprefix(b".").lower()):
            return name + mark + _PORT.sub(b"", self.host)
        return attribute

    def _cookie_path(self, path: bytes) -> bytes:
        by_plugin = self.client_path(path)
        return self.names.cookie_path(path) if by_plugin is None else by_plugin

    def _is_own_name(self, domain: bytes) -> bool:
        own = (_PORT.sub(b"", host) for host in self.own_hosts | self.names.servers)
        return bool(self.host) and domain != _PORT.sub(b"", self.host) and domain in own

    def _path(self, path: bytes) -> bytes:
        """An absolute path."""
        meant = _joined(b"/", path) if b"/." in path else path
        by_plugin = self.client_path(meant)
        public = self.names.client_path(meant) if by_plugin is None else by_plugin
        return path if public == meant else public

    def _relative(self, path: bytes) -> bytes:
        """A relative path: the client would resolve it by another path than the upstream meant."""
        public = self._path(_joined(self.sent(), path))
        return path if _joined(self.requested, path) == public else public

    def _origin(self, scheme: bytes | None, authority: bytes) -> bytes | None:
        """What stands before the path; None: the URL leads to somebody else."""
        by = self.scheme if scheme is None else scheme.lower()
        if by not in _DEFAULT_PORTS:
            return None
        named = authority.lower().removesuffix(_DEFAULT_PORTS[by])
        with_port = named if _PORT.search(named) else named + _DEFAULT_PORTS[by]
        is_clients = named == self.host.removesuffix(_DEFAULT_PORTS[by])
        hosts = {host.removesuffix(_DEFAULT_PORTS[by]) for host in self.own_hosts}
        if not (is_clients or named in hosts or with_port in self.names.servers):
            return None
        if not self.host:
            return b""
        if scheme is None:
            return b"//" + self.host
        # Under the client's own name, https where the client came by http is a redirect to TLS, and stays. A
        # port of its own speaks one of the two: the client's.
        upgrade = is_clients and by == b"https" and not _PORT.search(named)
        if is_clients and by == (b"https" if upgrade else self.scheme):
            return scheme + b"://" + authority
        return self.scheme + b"://" + self.host


_REWRITES: dict[bytes, Callable[[PublicUrls, bytes], bytes]] = {
    b"location": PublicUrls.url,
    b"content-location": PublicUrls.url,
    b"refresh": PublicUrls.refresh,
    b"set-cookie": PublicUrls.cookie,
}


def _joined(base: bytes, reference: bytes) -> bytes:
    """RFC 3986 section 5.2, of paths: resolved, and without dot segments."""
    joined = urljoin("http://h" + base.decode("latin-1"), reference.decode("latin-1"))
    return joined.removeprefix("http://h").encode("latin-1") or b"/"

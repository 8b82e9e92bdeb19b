"""Validation of route paths: every path must be matchable and unambiguous."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from gateway.http.path_readings import DOT_SEGMENTS, TEMPLATE
from gateway.http.request_target import NOT_IN_PATHS
from gateway.http.route_target import segments_of

# RFC 3986 section 3.3: pchar and "/", with percent-encoded octets.
PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*+")
MAX_PATH_LENGTH = 2048
# Surrogates stand for octets that are not UTF-8 (surrogateescape).
_NOT_UTF_8 = re.compile("[\ud800-\udfff]")


def check_path(path: str) -> str:
    """Rejects paths that no request can match or that upstreams may interpret differently."""
    if not path.startswith("/"):
        raise ValueError("must begin with /")
    if "?" in path or "#" in path:
        raise ValueError("must not have a query (?) or a fragment (#): only paths are matched")
    if "//" in path:
        raise ValueError("must not have an empty segment (//): some upstreams read it as /")
    if len(path) > MAX_PATH_LENGTH or not PATH.fullmatch(path):
        raise ValueError("must be a URL path; other characters go percent-encoded, as in /caf%C3%A9")
    if path != "/" and path.endswith("/"):
        raise ValueError("must not end with /: a prefix matches whole segments and everything below")
    for segment in segments_of(path):
        _check_segment(segment)
    return path


def check_route_path(path: str) -> str:
    """As `check_path`, and a segment may be `{name}`: any one segment."""
    names = TEMPLATE.findall(path)
    if len(set(names)) < len(names):
        raise ValueError("has a name in braces twice")
    rest = TEMPLATE.sub("x", path)
    if "...}" in rest:
        raise ValueError("can't have a name with ...: a prefix matches everything below")
    if "{" in rest or "}" in rest:
        raise ValueError("must have braces only around the name of a whole segment, as in /orders/{id}")
    check_path(rest)
    return path


def _check_segment(segment: str) -> None:
    if segment.partition(";")[0] in DOT_SEGMENTS:
        raise ValueError("can never match: requests with . or .. as a segment are refused")
    if "/" in segment or NOT_IN_PATHS.search(segment):
        raise ValueError(r"must not have an encoded /, \ or control character")
    if _NOT_UTF_8.search(segment):
        raise ValueError("must be UTF-8 where it is percent-encoded")


def check_endpoint_path(path: str) -> str:
    """Validates the path of an endpoint: no percent-encoding."""
    if "%" in path or path == "/":
        raise ValueError("must be a path such as /oauth2/token, without percent-encoding")
    return check_path(path)


EndpointPath = Annotated[str, AfterValidator(check_endpoint_path)]

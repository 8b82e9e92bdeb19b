"""Requests and responses as openapi-core reads them, and what it finds wrong with them, in words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, quote

from gateway.plugin import Exchange, Headers

MOST = 10
"""Violations that are told."""
_LONGEST = 120
_ERRORS = {
    "MissingRequiredParameter": "is missing",
    "MissingRequiredRequestBody": "is missing",
    "MissingRequiredHeader": "is missing",
    "CastError": "is not of the right type",
    "DeserializeError": "can't be read",
    "MediaTypeDeserializeError": "can't be read as its Content-Type says",
    "ParameterDeserializeError": "can't be read",
    "MediaTypeNotFound": "has another Content-Type than documented",
    "PathNotFound": "is not documented",
    "OperationNotFound": "is not documented for this path",
    "ResponseNotFound": "is not documented",
}
_PLACES = {"PathNotFound": "path", "OperationNotFound": "method", "ResponseNotFound": "status"}
_KEYWORDS = {
    "type": "must be of type {}",
    "enum": "must be one of {}",
    "const": "must be {}",
    "format": "must be a {}",
    "pattern": "must match {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "uniqueItems": "must not have an item twice",
    "additionalProperties": "has members that are not allowed",
    "unevaluatedProperties": "has members that are not allowed",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a message differs from its document. Without values that were sent."""

    place: str
    """`path`, `method`, `query`, `header`, `cookie`, `body` or `status`."""
    name: str
    """Of the parameter; of the body a JSON Pointer. Empty: the whole."""
    text: str

    def document(self) -> Mapping[str, str]:
        """A member of a problem's `errors`."""
        named = {"pointer" if self.place == "body" else "name": self.name} if self.name else {}
        return {"in": self.place, **named, "detail": self.text}

    def __str__(self) -> str:
        return " ".join(filter(None, (self.place, self.name, self.text)))


class ReceivedRequest:
    """A request as openapi-core's protocol `Request` has it."""

    host_url = "http://gateway"

    def __init__(self, exchange: Exchange, path: str, method: str, body: bytes | None) -> None:
        request = exchange.request
        datatypes = import_module("openapi_core.datatypes")
        structures = import_module("werkzeug.datastructures")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
        query = parse_qsl((request.query or b"").decode("latin-1"), keep_blank_values=True)
        self.path, self.method, self.body = path, method, body or None
        self.content_type = _content_type(request.value(b"content-type"))
        self.parameters = datatypes.RequestParameters(
            query=structures.ImmutableMultiDict(query),
            header=structures.Headers(headers),
            cookie=structures.ImmutableMultiDict(_cookies(request.values(b"cookie"))),
        )


class ReceivedResponse:
    """A response as openapi-core's protocol `Response` has it."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        structures = import_module("werkzeug.datastructures")
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        self.status_code, self.data = status, body
        self.headers = structures.Headers(pairs)
        types = [value for name, value in headers if name.lower() == b"content-type"]
        self.content_type = _content_type(types[0] if types else None)


def _content_type(value: bytes | None) -> str:
    """The media type in lower case; its parameters, such as a boundary, as they are."""
    media_type, semicolon, parameters = (value or b"").decode("latin-1").partition(";")
    return media_type.strip().lower() + semicolon + parameters


def _cookies(values: Iterable[bytes]) -> list[tuple[str, str]]:
    """RFC 6265 section 5.4."""
    pairs = [pair.partition("=") for value in values for pair in value.decode("latin-1").split(";")]
    return [(name.strip(), value.strip()) for name, _, value in pairs if name.strip()]


def documented_path(segments: Iterable[str]) -> str:
    """A path as it is looked for in the document: percent-decoded, as far as it stays the same path."""
    return "/" + "/".join(quote(one, safe=_SAFE) if _OPEN.intersection(one) else one for one in segments)


_OPEN = frozenset("/?#%")
_SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) not in _OPEN)


def violations(errors: Iterable[Exception], body: str = "body") -> list[Violation]:
    """The first violations in words. `body`: what the message's content is called."""
    found = (one for error in errors for one in _violations(error, body))
    return list(islice(dict.fromkeys(found), MOST))


def _violations(error: Exception, body: str) -> Iterator[Violation]:
    cause = error.__cause__ or error
    place, name = getattr(error, "location", None), getattr(error, "name", "")
    if place is None:
        place = _PLACES.get(type(cause).__name__, "header" if name else body)
    schema_errors = tuple(getattr(cause, "schema_errors", None) or ())
    for one in schema_errors:
        steps = [str(step).replace("~", "~0").replace("/", "~1") for step in one.absolute_path]
        inside = "".join(f"/{step}" for step in steps)
        yield Violation(str(place), f"{name}{inside}"[:_LONGEST], _in_words(one))
    if not schema_errors:
        known = _ERRORS.get(type(cause).__name__) or _ERRORS.get(type(error).__name__)
        yield Violation(str(place), str(name), known or "is not as documented")


def _in_words(error: Any) -> str:
    """What the schema demands: its own values, never those that were sent."""
    keyword, demanded = str(error.validator), error.validator_value
    if keyword == "required" and isinstance(error.instance, Mapping):
        missing = [name for name in demanded if name not in error.instance]
        return f"must have {', '.join(map(str, missing))}"[:_LONGEST]
    if keyword == "type" and isinstance(demanded, list):
        demanded = " or ".join(map(str, demanded))
    text = _KEYWORDS.get(keyword)
    return f"violates {keyword}" if text is None else text.format(demanded)[:_LONGEST]

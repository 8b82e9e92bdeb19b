"""Reading `application/x-www-form-urlencoded` bodies strictly (RFC 6749 appendix B)."""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.oauth.errors import invalid_request
from gateway.runtime.caches import KIB, cached, register

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
MAX_PARAMETERS: Final = 64
_BAD_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_CREDENTIALS: Final = frozenset(
    {
        "client_secret",
        "client_assertion",
        "password",
        "refresh_token",
        "token",
        "assertion",
        "subject_token",
        "actor_token",
    }
)

# RFC 8707 section 2: "resource" may be sent more than once. Many clients call it "audience". Nothing else may
# be repeated (RFC 6749 section 3.2).
_REPEATABLE: Final = frozenset({"resource", "audience"})


@dataclass(slots=True)
class Form:
    """A form's parameters. An empty one counts as absent (RFC 6749 section 3.2). Nobody changes it."""

    single: Mapping[str, str]
    resources: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """The parameter's value; None where it is absent."""
        return self.single.get(name)

    def require(self, name: str) -> str:
        """The parameter's value.

        Raises:
            OAuthError: `invalid_request` where it is absent.
        """
        value = self.single.get(name)
        if value is None:
            raise invalid_request(f"The parameter {name} is missing.")
        return value


def parse_form(content_type: str | None, body: bytes) -> Form:
    """The parameters of a form body.

    Raises:
        OAuthError: `invalid_request` where the body is no form, or a parameter stands in it twice.
    """
    if not _is_form(content_type or ""):
        raise invalid_request(f"The body must be {MEDIA_TYPE}.")
    return parse_parameters(_decoded(body))


_CONTENT_TYPES: Final = register(
    "content types of forms", __name__, entries=64, key_bytes=256, total_bytes=64 * KIB
)


@cached(_CONTENT_TYPES)
def _is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == MEDIA_TYPE


def parse_parameters(text: str) -> Form:
    """The parameters of a form-encoded text."""
    pairs = [pair for pair in text.split("&") if pair]
    if len(pairs) > MAX_PARAMETERS:
        raise invalid_request(f"The body has more than {MAX_PARAMETERS} parameters.")
    single: dict[str, str] = {}
    resources: list[str] = []
    coded = _is_coded(text)
    for pair in pairs:
        name, _, value = pair.partition("=")
        if coded and _is_coded(pair):
            name, value = form_decode(name), form_decode(value)
        if name in _REPEATABLE:
            resources += [value] if value else []
            continue
        if name in single:
            raise invalid_request("A parameter is included more than once.")
        single[name] = value
    if "" in single.values():
        single = {name: value for name, value in single.items() if value}
    return Form(single, tuple(resources))


def form_decode(text: str) -> str:
    """One name or value, decoded.

    Raises:
        OAuthError: `invalid_request` for a broken escape, broken UTF-8 or a NUL.
    """
    if not _is_coded(text):
        return text
    if _BAD_ESCAPE.search(text):
        raise invalid_request("A percent sign is not followed by two hexadecimal digits.")
    try:
        value = _percent_decoded(text.replace("+", " ").encode()).decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_request("A parameter is not UTF-8.") from None
    if "\0" in value:
        raise invalid_request("A parameter holds a NUL.")
    return value


def _percent_decoded(data: bytes) -> bytes:
    """Two hexadecimal digits follow each percent sign."""
    # RFC 2045 section 6.7: quoted-printable has the same escapes behind another sign.
    return a2b_qp(data.replace(b"=", b"=3D").replace(b"%", b"="))


def _is_coded(text: str) -> bool:
    """Whether decoding it gives something else, or an error."""
    return "%" in text or "+" in text or "\0" in text


def refuse_credentials_in_query(query: str) -> None:
    """RFC 6749 section 2.3.1: credentials must not be included in the request URI.

    Raises:
        OAuthError: `invalid_request` where the query names a parameter that holds a secret.
    """
    names = {pair.partition("=")[0].lower() for pair in query.split("&")}
    if names & _CREDENTIALS:
        raise invalid_request("Credentials must be in the body or the Authorization header, not the URI.")


def _decoded(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        # Browsers and curl encode; raw UTF-8 is taken where it is valid.
        pass
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_request("The body is not UTF-8.") from None

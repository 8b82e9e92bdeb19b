"""Validated string types: scopes, client ids, secrets, methods, names."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from gateway.http.token_syntax import is_token

SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
CLIENT_ID = re.compile(r"[\x20-\x7e]{1,255}")
MAX_METHOD_LENGTH = 32
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
HASHED = "sha256:"
HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
API_KEY = re.compile(r"[\x21-\x7e]{16,256}")
MIN_SHARED_KEY_LENGTH = 32


def check_scope(value: str) -> str:
    """RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )."""
    if not SCOPE.fullmatch(value):
        raise ValueError('must be one scope: printable ASCII without space, " and \\')
    return value


def check_client_id(value: str) -> str:
    """RFC 6749 appendix A.1: client-id = *VSCHAR, where VSCHAR = %x20-7E."""
    if not CLIENT_ID.fullmatch(value) or value != value.strip():
        raise ValueError("must be 1 to 255 printable ASCII characters, without a space at either end")
    return value


def check_method(value: str) -> str:
    """RFC 9110 section 9.1: method = token; the registered ones are all upper-case."""
    if not is_token(value, MAX_METHOD_LENGTH) or value != value.upper():
        raise ValueError("must be an HTTP method in upper case, such as GET")
    return value


def check_name(value: str) -> str:
    """Validates a name that other keys refer to."""
    if not NAME.fullmatch(value):
        raise ValueError("must be 1 to 64 letters, digits, _ , - or . and must not begin with - or .")
    return value


class ClientSecret(SecretStr):
    """A client secret as configured: plain, or `sha256:` and its hash. Its repr is masked."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the secret's UTF-8 bytes."""
        text = self.get_secret_value()
        if text.startswith(HASHED):
            return bytes.fromhex(text.removeprefix(HASHED))
        return hashlib.sha256(text.encode()).digest()

    @property
    def plain(self) -> str | None:
        """The plain secret; None if only its hash is configured."""
        text = self.get_secret_value()
        return None if text.startswith(HASHED) else text


def check_secret(secret: ClientSecret) -> ClientSecret:
    """Validates a client secret. Errors never contain it."""
    text = secret.get_secret_value()
    if not text:
        raise ValueError("must not be empty")
    if CONTROL.search(text):
        raise ValueError("must not have control characters (a line break at its end?)")
    if text.startswith(HASHED) and not HEX_DIGEST.fullmatch(text.removeprefix(HASHED)):
        raise ValueError("must have 64 hexadecimal digits after sha256:")
    return secret


def check_api_key(key: ClientSecret) -> ClientSecret:
    """Validates an API key. It is never typed, so a minimum length is no burden."""
    plain = check_secret(key).plain
    if plain is not None and not API_KEY.fullmatch(plain):
        raise ValueError("must have 16 to 256 characters, all of them printable ASCII without spaces")
    return key


def check_shared_key(key: SecretStr) -> SecretStr:
    """Validates a master key: at least as many characters as a SHA-256 digest has bytes."""
    text = key.get_secret_value()
    if len(text) < MIN_SHARED_KEY_LENGTH or CONTROL.search(text):
        raise ValueError(
            f"must have at least {MIN_SHARED_KEY_LENGTH} characters, none of them a control character"
        )
    return key


Scope = Annotated[str, AfterValidator(check_scope)]
ClientId = Annotated[str, AfterValidator(check_client_id)]
Method = Annotated[str, AfterValidator(check_method)]
Name = Annotated[str, AfterValidator(check_name)]
Secret = Annotated[ClientSecret, AfterValidator(check_secret)]
SharedKey = Annotated[SecretStr, AfterValidator(check_shared_key)]
ApiKey = Annotated[ClientSecret, AfterValidator(check_api_key)]

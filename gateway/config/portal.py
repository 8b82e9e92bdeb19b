"""`portal`: the developer portal, and who may sign in there."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from gateway.config.base import Many, Section
from gateway.config.words import CONTROL, Name, Scope

USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}")
ARGON2 = re.compile(r"\$argon2(id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
LONGEST_PASSWORD = 1024


def check_user_name(value: str) -> str:
    """A name that a person signs in with."""
    if not USER_NAME.fullmatch(value):
        raise ValueError("must be 1 to 64 letters, digits, _ . @ + or -, and begin with a letter or digit")
    return value


def check_password(secret: SecretStr) -> SecretStr:
    """A password that can't be used as it stands is refused, without being told."""
    text = secret.get_secret_value()
    if not text:
        raise ValueError("must not be empty")
    if len(text) > LONGEST_PASSWORD or CONTROL.search(text):
        raise ValueError("must have at most 1024 characters, none of them a control character")
    if text.startswith("$argon2") and not ARGON2.fullmatch(text):
        raise ValueError("must be a whole argon2 hash where it begins like one")
    return secret


UserName = Annotated[str, AfterValidator(check_user_name)]
Password = Annotated[SecretStr, AfterValidator(check_password)]


class PortalUser(Section):
    """A person who may sign in. Read-only while the gateway runs."""

    name: UserName = Field(description="What the user signs in with; upper and lower case are the same.")
    password: Password = Field(description="The password: plain, or its whole argon2 hash.")
    admin: bool = Field(default=False, description="Whether the user sees everybody's applications.")


class Portal(Section):
    """The developer portal at /portal/."""

    enabled: bool = Field(default=True, description="Whether it is served.")
    sign_up: bool = Field(
        default=False, description="Whether strangers may make themselves an account on the sign-up page."
    )
    scopes: Many[Scope] | None = Field(
        default=None,
        description="The scopes that developers may give their applications; administrators may give any. "
        "null: every scope that a route asks for.",
    )
    tiers: Many[Name] = Field(
        default=(),
        description="The tiers that developers may choose for their applications; administrators may choose "
        "any.",
    )
    users: Many[PortalUser] = Field(
        default=(),
        description="Who may sign in, beside those who signed up. The password grant knows them too.",
    )

"""`portal`: the developer portal and its users."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, model_validator

from gateway.config.addresses import Cidr, FilePath
from gateway.config.base import Many, Section
from gateway.config.portal_brand import PortalBrand
from gateway.config.portal_github import GithubProviders, PortalGithub
from gateway.config.portal_mail import PortalMail
from gateway.config.portal_notify import PortalNotify
from gateway.config.portal_oidc import OidcProviders, PortalOidc
from gateway.config.value_types import CONTROL, Name, Scope
from gateway.oauth.roles import Role

LARGEST_PAGE = 256 * 1024
"""Bytes of one of `portal.pages`."""
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}")
ARGON2 = re.compile(r"\$argon2(id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
MAX_PASSWORD_LENGTH = 1024


def check_user_name(value: str) -> str:
    """Validates a user name."""
    if not USER_NAME.fullmatch(value):
        raise ValueError("must be 1 to 64 letters, digits, _ . @ + or -, and begin with a letter or digit")
    return value


def check_password(secret: SecretStr) -> SecretStr:
    """Validates a password or argon2 hash. Errors never contain it."""
    text = secret.get_secret_value()
    if not text:
        raise ValueError("must not be empty")
    if len(text) > MAX_PASSWORD_LENGTH or CONTROL.search(text):
        raise ValueError("must have at most 1024 characters, none of them a control character")
    if text.startswith("$argon2") and not ARGON2.fullmatch(text):
        raise ValueError("is not a valid argon2 hash")
    return secret


def page_name(file: Path) -> str:
    """What one of `portal.pages` is called in URLs: `getting-started` for docs/Getting started.md."""
    return _NOT_IN_NAMES.sub("-", file.stem.lower()).strip("-") or "page"


Provider = TypeVar("Provider", PortalOidc, PortalGithub)
UserName = Annotated[str, AfterValidator(check_user_name)]
Password = Annotated[SecretStr, AfterValidator(check_password)]


class PortalUser(Section):
    """A portal user, read-only at run time."""

    name: UserName = Field(description="1 to 64 letters, digits, _ . @ + or -; case-insensitive.")
    password: Password = Field(
        description="Plain, preferably as ${PORTAL_PASSWORD} from the environment; or its argon2 hash."
    )
    admin: bool = Field(default=False, description="true: as role: admin.")
    role: Role | None = Field(
        default=None,
        description="What the user may do: viewer, developer, publisher or admin. null: developer, or admin "
        "where admin is true.",
    )

    @model_validator(mode="after")
    def _one_role(self) -> PortalUser:
        if self.admin and self.role not in (None, "admin"):
            raise ValueError("admin: true and another role contradict each other")
        return self

    @property
    def given_role(self) -> Role:
        """What the user is."""
        return self.role or ("admin" if self.admin else "developer")


class PortalSettings(Section):
    """The developer portal at /portal/."""

    enabled: bool = Field(default=True, description="false: it is not served.")
    sign_up: bool | Literal["approval", "invitation"] = Field(
        default=False,
        description="true: anybody may create an account. approval: an administrator must approve it first. "
        "invitation: only with a link that an administrator has made.",
    )
    scopes: Many[Scope] | None = Field(
        default=None,
        description="The scopes that developers may grant to their applications; administrators may "
        "grant any. null: every scope that a route requires.",
    )
    tiers: Many[Name] = Field(
        default=(),
        description="The tiers that developers may choose for their applications; administrators may choose "
        "any.",
    )
    pages: Many[FilePath] = Field(
        default=(),
        description="Markdown files that the portal shows as Guides to whoever is signed in, in this order. "
        "Needs the extra pages.",
    )
    images: Many[FilePath] = Field(
        default=(),
        description="What these pages show where their Markdown names it: files .svg, .png, .webp or .jpg, "
        "each of at most 1 MiB.",
    )
    languages: Many[Name] | None = Field(
        default=None,
        description="The languages of the pages, such as [en, de]. Who asks for none of them gets the first. "
        "null: all that there are a catalogue of, English first.",
    )
    catalogues: Many[FilePath] = Field(
        default=(),
        description="Further translations: gettext catalogues, each named as its language is, such as fr.po. "
        "What they have of a language that comes with the gateway replaces its words.",
    )
    brand: PortalBrand = Field(
        default=PortalBrand(), description="The portal in your own name and colours: a mapping."
    )
    oidc: OidcProviders | None = Field(
        default=None,
        description="People sign in at an OpenID provider, beside those with a password. null: none. "
        "Or a mapping; or a list of them, one for each provider.",
    )
    github: GithubProviders | None = Field(
        default=None,
        description="People sign in at GitHub, too. null: none. Or a mapping; or a list of them, one for "
        "each GitHub.",
    )
    passkeys: bool = Field(
        default=False,
        description="true: people with a password can add passkeys, and sign in with these instead. "
        "Needs the extra passkeys.",
    )
    notify: PortalNotify | None = Field(
        default=None,
        description="Who is told of subscriptions, sign-ups and secrets that end soon, by webhook and by "
        "e-mail: a mapping. null: nobody.",
    )
    webhooks: bool = Field(
        default=False,
        description="true: developers may give each application a webhook of its own, which is told of its "
        "subscriptions, secrets, limits and errors.",
    )
    webhook_networks: Many[Cidr] = Field(
        default=(),
        description="Networks, such as 10.0.0.0/8, or addresses, beside the public Internet, in which "
        "developers' webhooks may be. With 127.0.0.0/8 they may be http to this machine. Link-local and "
        "metadata addresses are never asked.",
    )
    recent_calls: int = Field(
        default=100,
        ge=0,
        le=1000,
        description="The last calls of each pair of keys that the portal shows, up to 1000: time, route, "
        "status, reason and duration. 0: none.",
    )
    users: Many[PortalUser] = Field(
        default=(),
        description="The users, in addition to those who signed up.",
    )

    @property
    def mail(self) -> PortalMail | None:
        """How mails are sent; None: none are."""
        return None if self.notify is None else self.notify.email

    @property
    def providers(self) -> dict[tuple[str | int, ...], PortalOidc | PortalGithub]:
        """The providers at which people sign in, by the path of each beneath `portal`."""
        return {**_each("oidc", self.oidc), **_each("github", self.github)}


def _each(key: str, given: Provider | tuple[Provider, ...] | None) -> dict[tuple[str | int, ...], Provider]:
    if isinstance(given, tuple):
        return {(key, index): one for index, one in enumerate(given)}
    return {} if given is None else {(key,): given}

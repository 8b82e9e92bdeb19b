"""`portal.github`: people sign in to the portal at GitHub."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag, model_validator

from gateway.config.addresses import FilePath, is_host
from gateway.config.base import Many, Section, one_or_several
from gateway.config.portal_oidc import check_label, check_provider_url
from gateway.config.value_types import Name

_NUMBER = r"id:[1-9][0-9]{0,18}"
_LOGIN = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?"
ORGANIZATION = re.compile(rf"{_NUMBER}|{_LOGIN}")
TEAM = re.compile(rf"{_NUMBER}|{_LOGIN}/[A-Za-z0-9][A-Za-z0-9._-]{{0,254}}")
USER = re.compile(r"[1-9][0-9]{0,18}")
_VALUES = {
    "organizations": (ORGANIZATION, "must be an organization's name, or id: and its number"),
    "teams": (TEAM, "must be ORGANIZATION/TEAM, or id: and the team's number"),
    "id": (USER, "must be a user's number, as api.github.com/users/NAME says it, in quotes"),
}


def _url(value: str) -> str:
    check_provider_url(value)
    parts = urlsplit(value)
    if parts.path not in ("", "/"):
        raise ValueError("must have no path: the address of GitHub alone")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _check(claim: str, value: str) -> str:
    pattern, says = _VALUES[claim]
    if not pattern.fullmatch(value):
        raise ValueError(says)
    return value.lower()


def _organization(value: str) -> str:
    return _check("organizations", value)


def _domain(value: str) -> str:
    if not is_host(value) or "." not in value or value.rpartition(".")[2].isdigit():
        raise ValueError("must be a domain such as example.org")
    return value.lower()


class GithubCondition(Section):
    """What GitHub says of somebody, and the values of which it must have one."""

    claim: Literal["organizations", "teams", "id"] = Field(
        description="organizations, teams, or id: the user's number. Never the login, which somebody else "
        "can get."
    )
    values: Annotated[Many[str], Field(min_length=1)] = Field(
        description="It must be, or hold, one of these: organizations as acme or id:123, teams as "
        'acme/admins or id:456, users as "583231". Upper and lower case are the same.'
    )

    @model_validator(mode="after")
    def _of_its_claim(self) -> GithubCondition:
        for value in self.values:
            _check(self.claim, value)
        return self


class PortalGithub(Section):
    """GitHub, or a GitHub Enterprise Server."""

    id: Name = Field(
        default="github", description="What its addresses end with: /portal/sign-in/callback/github."
    )
    name: Annotated[str, Field(max_length=40), AfterValidator(check_label)] = Field(
        default="GitHub", description="What people know it as: Sign in with GitHub."
    )
    url: Annotated[str, AfterValidator(_url)] = Field(
        default="https://github.com",
        description="Its address; another one for a GitHub Enterprise Server, or a company's own at ghe.com.",
    )
    client_id: str = Field(min_length=1, description="The client ID of the OAuth app, or of the GitHub App.")
    client_secret: SecretStr = Field(
        min_length=1, description="Its client secret, preferably as ${GITHUB_SECRET}."
    )
    organizations: Many[Annotated[str, AfterValidator(_organization)]] = Field(
        default=(),
        description="Who may sign in: members of one of these organizations, by name or as id:123, which "
        "nobody else can get when the organization is renamed.",
    )
    email_domains: Many[Annotated[str, AfterValidator(_domain)]] = Field(
        default=(),
        description="Who may sign in: whoever has a verified e-mail address of one of these domains, such as "
        "example.org.",
    )
    allow: GithubCondition | None = Field(
        default=None,
        description="Who may sign in, by teams or by numbers of users. null: whom the other keys let in. Or "
        "a mapping.",
    )
    anybody: bool = Field(
        default=False,
        description="true: everybody with a GitHub account may sign in, without organizations, email_domains "
        "and allow.",
    )
    admins: GithubCondition | None = Field(
        default=None,
        description="Who is an administrator, decided at each sign-in. null: nobody of GitHub. Or a mapping.",
    )
    publishers: GithubCondition | None = Field(
        default=None,
        description="Likewise who is a publisher, among those who are no administrators. null: nobody. "
        "Or a mapping.",
    )
    developers: GithubCondition | None = Field(
        default=None,
        description="Likewise who of the others is a developer; who is none is a viewer. null: all of them. "
        "Or a mapping.",
    )
    ca: FilePath | None = Field(
        default=None,
        description="PEM file with the CAs that sign its certificate; null: the system's.",
    )

    @model_validator(mode="after")
    def _somebody(self) -> PortalGithub:
        # Everybody can have an account at GitHub: that all may come in must be said.
        limited = bool(self.organizations or self.email_domains or self.allow)
        if not limited and not self.anybody:
            raise ValueError(
                "must say who may sign in: organizations, email_domains or allow; or anybody: true"
            )
        if limited and self.anybody:
            raise ValueError("anybody: true and organizations, email_domains or allow contradict each other")
        return self

    @property
    def issuer(self) -> str:
        """What makes its people differ from those of others."""
        return self.url


GithubProviders = Annotated[
    Annotated[PortalGithub, Tag("<one>")]
    | Annotated[Many[PortalGithub], Field(min_length=1), Tag("<several>")],
    Discriminator(
        one_or_several,
        custom_error_type="github",
        custom_error_message="must be a mapping with client_id and client_secret, or a list of them",
    ),
]
"""One GitHub, or a list of several."""

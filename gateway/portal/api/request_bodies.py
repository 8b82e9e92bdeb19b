"""The request bodies of the REST API.

Unknown members are refused: a misspelt one would else change nothing, and nobody would know. Those that
WSO2's clients send, and those of answers that are sent back, are taken and let be.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.oauth.roles import Role
from gateway.oauth.team import TeamRole
from gateway.oauth.user_mail import MailKind

LONGEST_SECONDS = 10**9
Text = Annotated[str, Field(max_length=1024)]
Texts = Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=100)]
Seconds = Annotated[int, Field(ge=1, le=LONGEST_SECONDS)]
Lifetime = Seconds | Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]
LineOfText = Annotated[
    str,
    Field(min_length=1, max_length=70, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]
KeyType = Literal["PRODUCTION", "SANDBOX"]


TokenFormat = Literal["opaque", "jwt"]
AuthMethod = Literal["client_secret_basic", "client_secret_post"]
MOST_SECONDS = 10 * 365 * 86_400
LABEL = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}$"


class Body(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    let_be: ClassVar[frozenset[str]] = frozenset()
    """Members that are taken, and say nothing here."""

    @model_validator(mode="before")
    @classmethod
    def _without_those(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: member for name, member in value.items() if name not in cls.let_be}


class ApplicationBody(Body):
    """An application to create or update."""

    let_be = frozenset(
        {
            "applicationId",
            "attributes",
            "createdTime",
            "groups",
            "hashEnabled",
            "owner",
            "status",
            "subscriptionCount",
            "subscriptionScopes",
            "tokenType",
            "updatedTime",
            "visibility",
        }
    )
    name: LineOfText
    description: Annotated[str, Field(max_length=512)] | None = None
    throttlingPolicy: Text | None = None  # noqa: N815 (WSO2's name on the wire)
    teamId: Annotated[  # noqa: N815 (as above)
        Text | None, Field(description="A new one belongs to this team; left out: to the caller.")
    ] = None


class TeamBody(Body):
    """A team to create or rename."""

    let_be = frozenset({"createdTime", "members", "teamId"})
    name: LineOfText


class MemberBody(Body):
    """Somebody who becomes a member of a team."""

    user: Annotated[str, Field(min_length=1, max_length=100, description="A user's name or id.")]
    role: TeamRole = "member"


class MemberRoleBody(Body):
    """Another role of a member."""

    let_be = frozenset({"memberId", "name"})
    role: TeamRole


class UserBody(Body):
    """What an account is called and may do from now on. What is left out stays."""

    let_be = frozenset({"createdTime", "provider", "source", "status", "userId"})
    name: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    role: Role | None = None


class EmailBody(Body):
    """One's own e-mail address. What is left out stays."""

    let_be = frozenset({"pendingAddress"})
    address: Annotated[
        str | None,
        Field(min_length=3, max_length=254, description="Another one is written to once it is confirmed."),
    ] = None
    notices: Annotated[
        list[MailKind] | None,
        Field(max_length=20, description="What is told; security notices always are."),
    ] = None


class GenerateKeysBody(Body):
    """What new keys may do."""

    let_be = frozenset(
        {
            "accessAllowDomains",
            "additionalProperties",
            "appScopes",
            "clientId",
            "clientSecret",
            "keyManager",
            "userName",
        }
    )
    keyType: KeyType  # noqa: N815 (as above)
    grantTypesToBeSupported: Texts  # noqa: N815
    callbackUrl: Annotated[  # noqa: N815
        Text | None, Field(description="Taken for other gateways' clients, and not kept: no grant needs one.")
    ] = None
    scopes: Texts | None = None
    audiences: Texts | None = None
    validityTime: Lifetime | None = None  # noqa: N815
    tokenFormat: TokenFormat | None = None  # noqa: N815
    tokenEndpointAuthMethod: AuthMethod | None = None  # noqa: N815


class KeysBody(Body):
    """What keys may do from now on. What is left out stays; null is the default."""

    let_be = frozenset(
        {
            "additionalProperties",
            "callbackUrl",
            "consumerKey",
            "consumerSecret",
            "groupId",
            "keyManager",
            "keyMappingId",
            "keyState",
            "keyType",
            "mode",
            "token",
        }
    )
    supportedGrantTypes: Texts | None = None  # noqa: N815 (as above)
    scopes: Texts | None = None
    audiences: Texts | None = None
    validityTime: Lifetime | None = None  # noqa: N815
    tokenFormat: TokenFormat | None = None  # noqa: N815
    tokenEndpointAuthMethod: AuthMethod | None = None  # noqa: N815
    enabled: bool | None = None


class GenerateTokenBody(Body):
    """A token that is wanted."""

    let_be = frozenset({"additionalProperties", "grantType"})
    consumerSecret: Text | None = None  # noqa: N815 (as above)
    validityPeriod: Seconds | None = None  # noqa: N815
    scopes: Texts = []
    revokeToken: Annotated[str, Field(max_length=8192)] | None = None  # noqa: N815


class RegenerateSecretBody(Body):
    """How long the secrets before the new one live on, in seconds."""

    gracePeriod: Annotated[int, Field(ge=0, le=90 * 86_400)] = 0  # noqa: N815 (as above)


class SecretWish(Body):
    """What is wanted of a new secret."""

    description: Annotated[str, Field(pattern=LABEL)] | None = None
    """Its name; made up where left out."""
    expiresIn: Annotated[int, Field(ge=1, le=MOST_SECONDS)] | None = None  # noqa: N815 (as above)
    """Seconds; left out: it has no end."""


class GenerateSecretBody(Body):
    """One more secret."""

    let_be = frozenset({"referenceId", "secretId"})
    additionalProperties: SecretWish = SecretWish()  # noqa: N815 (as above)


class RevokeSecretBody(Body):
    """The secret that is to end."""

    let_be = frozenset({"referenceId"})
    secretId: Annotated[str, Field(max_length=255)]  # noqa: N815 (as above)


class GenerateApiKeyBody(Body):
    """A new API key."""

    let_be = frozenset({"additionalProperties", "keyType"})
    keyName: Annotated[str, Field(pattern=LABEL)] | None = None  # noqa: N815 (as above)
    validityPeriod: Annotated[int, Field(ge=1, le=MOST_SECONDS)] | None = None  # noqa: N815


class RevokeApiKeyBody(Body):
    """The API key to revoke."""

    let_be = frozenset({"apikey"})
    prefix: Annotated[str, Field(min_length=1, max_length=64)]


Note = Annotated[str, Field(max_length=512)]


class SubscriptionBody(Body):
    """A subscription that is asked for."""

    let_be = frozenset({"requestedThrottlingPolicy", "status", "subscriptionId"})
    applicationId: Text  # noqa: N815 (as above)
    apiId: Annotated[Text, Field(description="The API's name.")]  # noqa: N815
    throttlingPolicy: Annotated[  # noqa: N815
        Text | None, Field(description="The limits on calls of the API; left out: the application's.")
    ] = None
    scopes: Annotated[Texts | None, Field(description="Left out: all of the API.")] = None
    note: Note = ""


class DecisionBody(Body):
    """An approval."""

    note: Note = ""
    throttlingPolicy: Text | None = None  # noqa: N815 (as above)
    """Left out: what was asked for."""


class EndSubscriptionBody(Body):
    """A refusal, or an end."""

    note: Note = ""


class WebhookBody(Body):
    """Where an application's developers are told of it."""

    url: Annotated[str, Field(min_length=1, max_length=2048)]

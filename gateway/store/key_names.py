"""The names of all keys in the store. They are made here and nowhere else.

<prefix>t:<name>          an access token's record; its TTL is the token's life
<prefix>s:<reuse key>     the live token that is given out again for the same request
<prefix>g:<client>        the generation of a client: tokens of another one have ended
<prefix>r:<family>        a family of refresh tokens
<prefix>ug:<user>         the generation of a person: tokens and sessions of another one have ended
<prefix>u:<client>        digests of the users who have used a client
<prefix>k:<client>        when, from where and with what a client and its API keys were used last
<prefix>n:<client>        what a client has done, by hour, day and month
<prefix>l:<client>        the last calls of a client
<prefix>d:<client>        how many calls of each kind a client has made, by day
<prefix>w:<digest>        a session of the portal
<prefix>ws:<user>         what a person is shown of their sessions
<prefix>i:<digest>        an open invitation to the portal
<prefix>f:<kind>:<digest> failed attempts: p by client and address, a by address, c by client; s successes
<prefix>once:<purpose>:<digest>  what may be used only once
<prefix>c:<use>:<place>   a cached response; c:g:<place> the generation of URIs
<prefix>q, q:<key>, q:news       limits: the workers, the counts, and the channel of news
<prefix>clients, apps, users, teams, passkeys, mails  hashes of records, by id or name
<prefix>file:…            what the configuration file's clients and users were at the last load
<prefix>signing-keys, key-check, format   single values
<prefix>notices, notices:sender, notices:gone  what waits for the webhook, who sends it, and a 410
<prefix>a:<application>   who did what with an application
<prefix>activity          who did what in the portal
<prefix>refusals          why requests were refused, for an hour
<prefix>probe:…           written and removed to find out whether the server takes writes

In a Redis Cluster the keys that one script touches must be in one slot, so they have a hash tag:

- What belongs to a client has the tag of its group, `{A}` to `{_}`: 64 groups spread over all masters. Tokens
  and families of refresh tokens name their group by their first random character. There is a hash of clients
  and one of applications for each group; an application's clients are in its group.
- People, their teams and what was read from the configuration file have `{users}`, limits `{limits}`, failed
  attempts `{attempts}`.
- The others are touched one at a time, and have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

GROUPS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""The groups of clients: base64url's alphabet, so that a token's first random character can name one."""


def group_of(client_id: str) -> str:
    """The group of a client, or of an application."""
    return GROUPS[_group_number(client_id)]


def _group_number(client_id: str) -> int:
    return crc32(client_id.encode("utf-8", "surrogatepass")) % len(GROUPS)


_HEADS = tuple(bytes([number << 2]) for number in range(len(GROUPS)))


def token_head(client_id: str) -> bytes:
    """A byte whose first base64url character is the client's group."""
    return _HEADS[_group_number(client_id)]


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Key names under a prefix (`store.prefix`)."""

    prefix: str
    cluster: bool = False
    """Whether the keys are in a Redis Cluster, and so have hash tags."""

    def _tag(self, group: str) -> str:
        return f"{{{group}}}" if self.cluster else ""

    def group(self, client_id: str) -> str:
        """The group of a client or application; without a cluster there is one, without a name."""
        return group_of(client_id) if self.cluster else ""

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups."""
        return tuple(GROUPS) if self.cluster else ("",)

    def record(self, kind: str, name: str) -> str:
        """What a record is signed for, wherever it is. `kind`: `clients`, `apps`, `users` and so on."""
        return f"{self.prefix}{kind} {name}"

    # Tokens.

    def token_name(self, token_hash: str, group: str) -> str:
        """What a token is known by; in a cluster with the group that it names first."""
        return f"{group}{token_hash}" if self.cluster else token_hash

    @property
    def all_tokens(self) -> str:
        """What the key of every access token begins with."""
        return f"{self.prefix}t:"

    def tokens(self, group: str) -> str:
        """What the key of every access token of a group begins with."""
        return f"{self.prefix}t:{self._tag(group)}"

    def group_of_token(self, name: str) -> str:
        """The group that a token's or a family's name begins with."""
        return name[:1] if self.cluster else ""

    def token(self, name: str) -> str:
        """The record of an access token."""
        if not self.cluster:
            return f"{self.prefix}t:{name}"
        return f"{self.prefix}t:{self._tag(name[:1])}{name}"

    def reusable_token(self, client_id: str, reuse_key: str) -> str:
        """The live token that answers such a request of a client again."""
        return f"{self.prefix}s:{self._tag(self.group(client_id))}{reuse_key}"

    def client_generations(self, group: str) -> str:
        """What the key of every client's generation begins with."""
        return f"{self.prefix}g:{self._tag(group)}"

    def client_generation(self, client_id: str) -> str:
        """The generation of a client."""
        if not self.cluster:
            return f"{self.prefix}g:{client_id}"
        return f"{self.prefix}g:{self._tag(self.group(client_id))}{client_id}"

    def refresh_family(self, family: str) -> str:
        """A family of refresh tokens."""
        return f"{self.prefix}r:{self._tag(family[:1])}{family}"

    # Clients and what belongs to them.

    def clients(self, group: str) -> str:
        """The hash of a group's registered clients, by id."""
        return f"{self.prefix}clients{self._tag(group)}"

    def clients_with(self, client_id: str) -> str:
        """The hash that has a client."""
        return self.clients(self.group(client_id))

    def applications(self, group: str) -> str:
        """The hash of the portal's applications of a group, by id."""
        return f"{self.prefix}apps{self._tag(group)}"

    def applications_with(self, application_id: str) -> str:
        """The hash that has an application."""
        return self.applications(self.group(application_id))

    def client_users(self, client_id: str) -> str:
        """The digests of the users who have used a client."""
        return f"{self.prefix}u:{self._tag(self.group(client_id))}{client_id}"

    def client_usage(self, client_id: str) -> str:
        """What a client has done."""
        return f"{self.prefix}n:{self._tag(self.group(client_id))}{client_id}"

    def key_uses(self, client_id: str) -> str:
        """The last uses of a client and its API keys."""
        return f"{self.prefix}k:{self._tag(self.group(client_id))}{client_id}"

    def last_calls(self, client_id: str) -> str:
        """The last calls of a client."""
        return f"{self.prefix}l:{self._tag(self.group(client_id))}{client_id}"

    def call_counts(self, client_id: str) -> str:
        """How many calls of each kind a client has made, by day."""
        return f"{self.prefix}d:{self._tag(self.group(client_id))}{client_id}"

    def activity_of(self, application_id: str) -> str:
        """Who did what with an application."""
        return f"{self.prefix}a:{self._tag(self.group(application_id))}{application_id}"

    def of_client(self, client_id: str) -> tuple[str, ...]:
        """All keys that go with a client: its generation, users, usage, last uses and calls."""
        used = (self.client_usage, self.key_uses, self.last_calls, self.call_counts)
        made = (self.client_generation, self.client_users, *used)
        return tuple(name(client_id) for name in made)

    # People.

    @property
    def accounts(self) -> str:
        """The hash of people who signed up, by name in lower case."""
        return f"{self.prefix}users{self._tag('users')}"

    @property
    def file_users(self) -> str:
        """The hash of the users of gateway.yaml, likewise."""
        return f"{self.prefix}file:users{self._tag('users')}"

    @property
    def user_generations(self) -> str:
        """What the key of every person's generation begins with."""
        return f"{self.prefix}ug:{self._tag('users')}"

    @property
    def teams(self) -> str:
        """The hash of teams, by id."""
        return f"{self.prefix}teams{self._tag('users')}"

    @property
    def passkeys(self) -> str:
        """The hash of people's passkeys, by the ids of their people."""
        return f"{self.prefix}passkeys{self._tag('users')}"

    @property
    def user_mails(self) -> str:
        """The hash of people's e-mail addresses, by the ids of their people."""
        return f"{self.prefix}mails{self._tag('users')}"

    def invitation(self, digest: str) -> str:
        """An open invitation to the portal."""
        return f"{self.prefix}i:{digest}"

    def sessions_of(self, user_id: str) -> str:
        """What a person is shown of their sessions of the portal."""
        return f"{self.prefix}ws:{user_id}"

    def session(self, digest: str) -> str:
        """A session of the portal."""
        return f"{self.prefix}w:{digest}"

    # The configuration file, as it was last loaded.

    @property
    def file_version(self) -> str:
        """How often its records have changed."""
        return f"{self.prefix}file:version{self._tag('users')}"

    @property
    def file_clients(self) -> str:
        """The hash of its enabled clients, by id."""
        return f"{self.prefix}file:clients{self._tag('users')}"

    def file_clients_in(self, group: str) -> str:
        """The same hash as scripts read it that issue tokens: in a cluster its part of a group."""
        return f"{self.prefix}file:clients{self._tag(group)}"

    @property
    def file_loads(self) -> str:
        """The hash of the users of each load."""
        return f"{self.prefix}file:loads{self._tag('users')}"

    @property
    def file_load_order(self) -> str:
        """The order of the loads."""
        return f"{self.prefix}file:load_order{self._tag('users')}"

    # Limits and guessing.

    @property
    def limit_workers(self) -> str:
        """The workers that are alive."""
        return f"{self.prefix}q{self._tag('limits')}"

    @property
    def limits(self) -> str:
        """What the key of every limit's counts begins with."""
        return f"{self.prefix}q:{self._tag('limits')}"

    @property
    def limit_news(self) -> str:
        """The channel on which workers hear of each other's use."""
        return f"{self.prefix}q:news"

    def failed_attempts(self, kind: str, digest: str) -> str:
        """Attempts of one kind: `p`, `a`, `c` or `s`."""
        return f"{self.prefix}f:{self._tag('attempts')}{kind}:{digest}"

    def used_once(self, purpose: str, digest: str) -> str:
        """What may be used only once."""
        return f"{self.prefix}once:{purpose}:{digest}"

    # Cached responses.

    def cached_response(self, use: str, place: int) -> str:
        """A cached response of one use of the plugin."""
        return f"{self.prefix}c:{use}:{place}"

    def cached_generation(self, place: int) -> str:
        """The generation of the URIs that have this place."""
        return f"{self.prefix}c:g:{place}"

    # Single values.

    @property
    def signing_keys(self) -> str:
        """The sealed keys that sign JWTs."""
        return f"{self.prefix}signing-keys"

    @property
    def key_check(self) -> str:
        """The check value of the master key."""
        return f"{self.prefix}key-check"

    @property
    def format(self) -> str:
        """Which version of the records is in the store."""
        return f"{self.prefix}format"

    @property
    def canary(self) -> str:
        """What changes once a second, to see when workers hear of it."""
        return f"{self.prefix}canary:{self._tag('canary')}number"

    @property
    def canary_heard(self) -> str:
        """When each worker has heard of it."""
        return f"{self.prefix}canary:{self._tag('canary')}heard"

    @property
    def notices(self) -> str:
        """The hash of what waits for the webhook, by id."""
        return f"{self.prefix}notices"

    @property
    def notice_sender(self) -> str:
        """Which process sends it."""
        return f"{self.prefix}notices:sender"

    @property
    def notices_gone(self) -> str:
        """The digest of a receiver that wants nothing any more."""
        return f"{self.prefix}notices:gone"

    @property
    def activity(self) -> str:
        """The stream of who did what in the portal."""
        return f"{self.prefix}activity"

    @property
    def refusals(self) -> str:
        """The stream of the last refusals."""
        return f"{self.prefix}refusals"

    def probe(self, part: str, group: str) -> str:
        """A key that a trial of writing uses: `token`, `generation` or `reuse`."""
        return f"{self.prefix}probe:{self._tag(group)}{part}"

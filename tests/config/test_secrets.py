import hashlib

from gateway.assembly.clients import file_clients
from gateway.config.secrets import named
from tests.config.example import problems, settings

CLIENT = "clients: [{id: a, secrets: [%s]}]"


def test_plain_and_named_secrets_stand_side_by_side() -> None:
    (client,) = settings(CLIENT % "x, {secret: y, name: next, expires: 1970-01-01}").clients
    plain, other = (named(item) for item in client.secrets)
    assert (plain.secret.plain, plain.name, plain.expires) == ("x", "", None)
    assert (other.secret.plain, other.name, other.expires) == ("y", "next", 86_400)


def test_only_their_digests_reach_the_token_server() -> None:
    (client,) = file_clients(settings(CLIENT % "{secret: hunter2, name: next, expires: 2027-12-31}").clients)
    (secret,) = client.secrets
    assert secret.digest == hashlib.sha256(b"hunter2").digest()
    assert (secret.name, secret.expires) == ("next", 1_830_297_600)
    assert "hunter2" not in repr(client)


def test_what_is_wrong_is_reported_where_it_stands() -> None:
    (found,) = problems(CLIENT % "{secret: y, expires: soon}")
    assert "clients[0].secrets[0].expires: must be a date" in found
    found = problems(CLIENT % "{name: y}")[-1]
    assert "clients[0].secrets[0].secret: is missing" in found
    (found,) = problems(CLIENT % "{secret: y, expire: 2027-01-01}")
    assert "unknown key (did you mean expires?)" in found
    (found,) = problems(CLIENT % "5")
    assert "must be a string" in found

from pathlib import Path

from gateway.assembly.tokens import key_rules, signs_tokens, token_parts
from gateway.signing.file_keys import FileKeys
from gateway.store import Store
from gateway.store.key_names import KeyNames
from gateway.tokens.token_cache import TokenCache
from tests.config.example import settings
from tests.jose.tokens import KEY
from tests.services import Clock, a_client


def test_keys_are_needed_where_any_client_of_the_file_gets_jwts() -> None:
    client = "clients: [{id: a, secrets: [x], format: %s}]"
    assert not signs_tokens(settings(client % "opaque"))
    assert signs_tokens(settings(client % "jwt"))
    assert signs_tokens(settings("tokens: {format: jwt}"))


def test_a_key_lives_as_long_as_the_longest_token() -> None:
    rules = key_rules(settings("tokens: {max_lifetime: 2h, signing: {algorithm: RS256, lead: 5m}}"))
    assert (rules.algorithm, rules.lead, rules.longest) == ("RS256", 300, 7200)


async def test_gateways_with_the_same_key_make_each_others_tokens(store: Store, tmp_path: Path) -> None:
    shared = settings(f"tokens: {{key: {'k' * 32}}}")
    one, other = (token_parts(shared, store, TokenCache(KeyNames(""), Clock())) for _ in range(2))
    assert other.opaque.has_valid_tag(one.opaque.make())
    form = await one.formats.of(a_client(format="jwt"))
    assert form.format_id == (await other.formats.of(a_client(format="jwt"))).format_id


async def test_files_of_keys_win(store: Store, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(KEY.pem)
    text = f"tokens: {{key: {'k' * 32}, signing: {{keys: [{tmp_path / 'key.pem'}]}}}}"
    parts = token_parts(settings(text), store, TokenCache(KeyNames(""), Clock()))
    assert isinstance(parts.keys, FileKeys)
    assert (await parts.jwts.form()).key.kid == KEY.kid

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from gateway.config.key_paths import fields, is_model
from gateway.config.model import Settings
from gateway.config.tls import TlsFiles
from tests.certificates import Certificate
from tests.config.example import Nothing, problems, settings

ALL_ELSE = "logging: {}"


def test_left_out_sections_have_their_defaults() -> None:
    found = settings(ALL_ELSE)
    listen = [(listener.host, listener.port, listener.tls) for listener in found.server.listen]
    assert listen == [("0.0.0.0", 8280, None), ("0.0.0.0", 8243, "auto")]
    assert found.server.public_url == "https://localhost:8243"
    assert (found.server.workers, found.server.max_body) == (1, 10 * 1024 * 1024)
    assert found.server.state_dir == Path(".gatepost")
    assert found.server.trusted_proxies == ()
    assert found.server.timeouts.model_dump() == {
        "header": 10,
        "body": 60,
        "idle": 75,
        "drain": 25,
        "reload": None,
        "shutdown_delay": 0,
    }
    assert found.management is not None
    assert (found.management.host, found.management.port) == ("127.0.0.1", 9280)
    assert (found.store.url, found.store.prefix, found.store.timeout) == ("embedded", "gatepost:", 1)
    assert found.tokens.model_dump() == {
        "lifetime": 3600, "max_lifetime": 86400, "reuse": True, "renew_before": 60, "key": None,
        "dpop_nonce": False, "keys": (),
        "format": "opaque", "audience": None, "signing": {"algorithm": "ES256", "lead": 600, "keys": ()},
    }  # fmt: skip
    assert found.scopes.model_dump() == {
        "default": ("default",), "allowed": (), "application": "am_application_scope",
    }  # fmt: skip
    assert (found.clients, found.upstreams, found.routes, found.plugins) == ((), {}, (), ())
    lines = {"level": "info", "format": "json", "access": True, "fields": [], "audit": None}
    assert found.logging.model_dump() == lines


def test_settings_made_without_a_file_are_the_defaults() -> None:
    found = settings(ALL_ELSE).model_dump(exclude={"grants"})
    assert found == Settings().model_dump(exclude={"grants"})


def test_items_have_their_defaults() -> None:
    found = settings(
        """
        clients: [{id: a, secrets: [x]}]
        upstreams: {o: {servers: [{url: "http://h"}]}}
        routes: [{path: /, upstream: o}]
        """
    )
    (client,), (route,), upstream = found.clients, found.routes, found.upstreams["o"]
    assert client.model_dump(exclude={"id", "secrets"}) == {
        "name": "", "grants": ("client_credentials",), "scopes": (), "lifetime": None, "audiences": (),
        "enabled": True, "origins": (), "default_scopes": None, "assertion_audience": ("issuer",),
        "introspect": False, "format": None, "tier": None, "api_keys": (),
        "auth": (), "jwks": None, "jwks_uri": None, "jwks_file": None,
        "tls_client_auth": None, "trust": (), "exchange": None, "claims": {}, "networks": (),
        "subscriptions": (),
            "require_mtls": False, "require_dpop": False,
    }  # fmt: skip
    assert route.model_dump(exclude={"path", "upstream"}) == {
        "match": "prefix", "methods": None, "host": None, "strip_prefix": True, "scopes": (),
        "rewrite_answers": True, "token_from": ("header",), "verify_only": False,
        "audience": None, "forward_token": None, "allow_headers": (), "end_with_token": False,
        "auth": "bearer", "enabled": True, "plugins": (), "access": "open",
        "issuers": (), "own_tokens": True, "canary": None, "ambiguous_paths": "refuse",
        "where": None, "case_sensitive": True, "mirror": None, "mcp": None, "docs": None,
    }  # fmt: skip
    assert upstream.servers[0].weight == 1
    assert upstream.model_dump(exclude={"servers"}) == {
        "balance": "round_robin", "hash_by": "client", "health": None, "slow_start": 10,
        "timeouts": {"connect": 2, "response": 30, "idle": 60, "deadline": None}, "protocol": "http",
        "retries": {"attempts": 1, "on": ("connect", "503")},
        "breaker": {"failures": 5, "open_for": 10},
        "max_connections": 256, "max_queue": 10_000, "queue_timeout": 2, "keep_alive": 4,
        "tls": None, "host_header": None, "auth": None, "sticky": None, "nameservers": (),
        "adaptive_concurrency": None,
    }  # fmt: skip


def test_nothing_changes_afterwards() -> None:
    found = settings(ALL_ELSE)
    with pytest.raises(ValidationError, match="frozen"):
        found.server.workers = 2  # type: ignore[misc]  # that is what is tested


def test_secrets_are_hidden_wherever_settings_are_shown() -> None:
    found = settings(
        """
        clients: [{id: a, secrets: [hunter2]}]
        tokens: {key: hunter2-hunter2-hunter2-hunter2-hunter2}
        store: {url: "redis://:hunter2@h"}
        """
    )
    assert "hunter2" not in f"{found} {found!r} {found.clients} {found.store} {found.tokens}"
    assert found.store.url == "redis://:hunter2@h"
    assert found.clients[0].secrets[0].get_secret_value() == "hunter2"


def test_a_listener_takes_the_files_of_a_certificate(tmp_path: Path) -> None:
    file = Certificate().file(tmp_path, "both")
    text = f"server: {{listen: [{{port: 1, tls: {{certificate: {file}, key: {file}}}}}]}}"
    assert settings(text).server.listen[0].tls == TlsFiles(certificate=file, key=file)


def test_management_can_be_switched_off_and_only_with_false() -> None:
    assert settings("management: false").management is None
    assert problems("management: true") == [
        "1:13: management: must be a mapping with host and port, or false"
    ]
    assert problems("management:") == ["1:12: management: must be a mapping with host and port, or false"]


WRONG_VALUES = """
server: {workers: 0}
    server.workers: must be a whole number from 1 to 512, or auto
server: {workers: true}
    server.workers: must be a whole number from 1 to 512, or auto
server: {listen: []}
    server.listen: must not be empty
server: {listen: [{port: 65536}]}
    server.listen[0].port: must be at most 65535
server: {listen: [{port: 1, tls: on}]}
    server.listen[0].tls: must be auto, a mapping with certificate and key, or with acme, or a list of such\
 mappings
server: {state_dir: 5}
    server.state_dir: must be a string, not a number: write it in quotes
server: []
    server: must be a mapping, not a list
server:
    server: must be a mapping, not nothing
store: {url: redis+sentinel://h}
    store.url: must name the primary that the Sentinels watch, as in redis+sentinel://s1:26379,s2:26379/mymaster/0
store: {sentinel: {password: ''}}
    store.sentinel.password: must not be empty
store: {prefix: '*'}
    store.prefix: must be 1 to 64 letters, digits or characters of _ . : / { } -
clients: [{id: 12, secrets: [x]}]
    clients[0].id: must be a string, not a number: write it in quotes
clients: [{id: a, secrets: []}]
    clients[0].secrets: must not be empty
clients: [{id: a, secrets: [on]}]
    clients[0].secrets[0]: must be a string, not a boolean: write it in quotes
clients: [{id: a, secrets: x}]
    clients[0].secrets: must be a list, not a string
upstreams: {o: {servers: []}}
    upstreams.o.servers: must not be empty
upstreams: {o: {servers: [{url: 'unix:app.sock'}]}}
    upstreams.o.servers[0].url: must have the socket's absolute path, as in unix:/run/app.sock
upstreams: {o: {servers: [{url: 'http://a'}], balance: random}}
    upstreams.o.balance: must be round_robin, least_requests or hash
upstreams: {o: {servers: [{url: 'http://a'}], balance: hash, hash_by: 'header:'}}
    upstreams.o.hash_by: must be client, path, or header: and a header's name, as in header:X-Tenant
upstreams: {o: {servers: [{url: 'http://a'}], health: {path: health}}}
    upstreams.o.health.path: must be a path such as /health; other characters go percent-encoded
upstreams: {o: {servers: [{url: 'http://a'}], retries: {on: [conect]}}}
    upstreams.o.retries.on[0]: must be connect, reset, 502, 503 or 504 (did you mean connect?)
upstreams: {o: {servers: [{url: 'http://a'}], host_header: 'a/b'}}
    upstreams.o.host_header: must be a host such as backend.example or backend.example:8080
upstreams: {o: {servers: [{url: 'http://a'}], keep_alive: 0}}
    upstreams.o.keep_alive: must be at least 1ms
routes: [{path: /, upstream: 'http://h', canary: {upstream: 'http://c', percent: 101}}]
    routes[0].canary.percent: must be at most 100.0
routes: [{path: /, upstream: 'http://h', canary: {upstream: 'http://c', percent: 1, header: 'a b'}}]
    routes[0].canary.header: must be the name of a header or method, such as X-Canary
upstreams: {o: {servers: [{url: 'http://a', weight: 0}]}}
    upstreams.o.servers[0].weight: must be at least 1
upstreams: {-o: {servers: [{url: 'http://a'}]}}
    upstreams.-o: must be 1 to 64 letters, digits, _ , - or . and must not begin with - or .
routes: [{path: /, upstream: 'http://h', methods: []}]
    routes[0].methods: must not be empty
routes: [{path: /, upstream: 'http://h', match: exakt}]
    routes[0].match: must be prefix or exact (did you mean exact?)
routes: [{path: /, upstream: 'ftp://h'}]
    routes[0].upstream: must be a URL such as http://host:port or https://host/base
routes: [{path: /, upstream: 'a b'}]
    routes[0].upstream: must be a name of upstreams, or an http or https URL
routes: [{path: /, upstream: 'http://h', strip_prefix: 1}]
    routes[0].strip_prefix: must be true or false, not a number
routes: {path: /}
    routes: must be a list, not a mapping
logging: {level: warn}
    logging.level: must be debug, info, warning or error (did you mean warning?)
"""
LINES = WRONG_VALUES.strip().splitlines()


@pytest.mark.parametrize(("line", "problem"), list(zip(LINES[::2], LINES[1::2], strict=True)))
def test_a_wrong_value_is_reported_in_plain_words(line: str, problem: str) -> None:
    (found,) = problems(line)
    assert found.partition(" ")[2] == problem.strip()


def test_a_long_name_is_refused() -> None:
    (found,) = problems(f"clients: [{{id: a, secrets: [x], name: {'n' * 201}}}]")
    assert found.endswith("clients[0].name: must have at most 200 characters")


def test_every_key_has_a_description() -> None:
    models: list[type[BaseModel]] = [Settings]
    seen: set[type[BaseModel]] = set()
    while models:
        model = models.pop()
        seen.add(model)
        assert model.__doc__
        for name, field in fields(model).items():
            assert field.description, f"{model.__name__}.{name}"
            assert field.description.endswith("."), f"{model.__name__}.{name}"
            models += [inner for inner in _mentioned(field.annotation) if inner not in seen]
    assert TlsFiles in seen


def _mentioned(annotation: object) -> list[type[BaseModel]]:
    if is_model(annotation):
        return [annotation]  # type: ignore[list-item]  # is_model has looked
    return [model for part in getattr(annotation, "__args__", ()) for model in _mentioned(part)]


def test_a_plugin_s_config_is_its_models() -> None:
    found = settings("plugins: [{use: request_id}]")
    assert found.plugins[0].config == Nothing()


KEY_A, KEY_B = "a" * 32, "b" * 32


def test_master_keys_are_a_list_or_the_one_of_key() -> None:
    def named(text: str) -> list[str]:
        return [key.get_secret_value() for key in settings(text).tokens.master_keys]

    assert named(ALL_ELSE) == []
    assert named(f"tokens: {{key: {KEY_A}}}") == [KEY_A]
    assert named(f"tokens: {{keys: [{KEY_A}, {KEY_B}]}}") == [KEY_A, KEY_B]


def test_master_keys_that_contradict_each_other_are_refused() -> None:
    (both,) = problems(f"tokens: {{key: {KEY_A}, keys: [{KEY_B}]}}")
    assert "tokens: key and keys can't both be given" in both
    (twice,) = problems(f"tokens: {{keys: [{KEY_A}, {KEY_A}]}}")
    assert "tokens: keys has the same secret twice" in twice
    (short,) = problems("tokens: {keys: [hunter2]}")
    assert "tokens.keys[0]" in short
    assert "hunter2" not in short

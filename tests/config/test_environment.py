import pytest

from gateway.config.environment import resolve, substitute
from gateway.config.partial_model import PartialModel
from gateway.config.yaml_composer import compose
from tests.config.example import problems, settings

ENVIRON = {"HOST": "redis", "PORT": "6379", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${HOST}", "redis"),
        ("redis://${HOST}:${PORT}/0", "redis://redis:6379/0"),
        ("${HOST:-other}", "redis"),
        ("${UNSET:-other}", "other"),
        ("${UNSET:-}", ""),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${UNSET:-a:-b}", "a:-b"),
    ],
)
def test_references_are_replaced_as_in_a_shell(text: str, value: str) -> None:
    assert resolve(text, ENVIRON) == (value, True)


@pytest.mark.parametrize(
    ("text", "value"),
    [("$${HOST}", "${HOST}"), ("$HOST", "$HOST"), ("a $$ b", "a $$ b"), ("$$${HOST}", "$${HOST}")],
)
def test_a_doubled_dollar_keeps_a_reference_as_text(text: str, value: str) -> None:
    assert resolve(text, ENVIRON) == (value, False)


def test_what_a_variable_holds_is_not_looked_into() -> None:
    assert resolve("${A}", {"A": "${B} $${C}"}) == ("${B} $${C}", True)


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A", "${A:?no}", "${A-b}", "a ${ b }"])
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="malformed reference"):
        resolve(text, {"A": "x"})


def test_an_unset_variable_is_reported_by_its_name() -> None:
    assert problems("clients:\n  - id: a\n    secrets: ['${SHOP_SECRET}']\n") == [
        "3:15: clients[0].secrets[0]: the environment variable SHOP_SECRET is not set "
        "(a default goes like ${SHOP_SECRET:-…})"
    ]


def test_a_variable_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ValueError, match="X is not UTF-8"):
        resolve("${X}", {"X": b"\xff".decode("utf-8", "surrogateescape")})


def test_only_values_are_replaced_and_an_alias_only_once() -> None:
    root, _ = compose("'${A}': &x '${A}'\nb: [*x, 1, ~]\n")
    assert root is not None
    assert substitute(root, {"A": "${A}"}) == []
    assert PartialModel().plain(root, ()) == {"${A}": "${A}", "b": ["${A}", 1, None]}


def test_a_value_of_the_environment_serves_where_a_number_a_boolean_or_a_duration_is_wanted() -> None:
    text = """
        server:
          listen: [{port: "${PORT}"}]
          workers: "${WORKERS}"
          max_body: "${BODY}"
          timeouts: {drain: "${DRAIN}"}
        management: "${MANAGEMENT}"
        tokens: {lifetime: "${LIFETIME}", reuse: "${REUSE}"}
        plugins: [{use: limit, with: {limit: "${LIMIT}", strictly: "${STRICTLY}"}}]
        """
    found = settings(
        text,
        {"PORT": "81", "WORKERS": "3", "BODY": "1k", "DRAIN": "1.5", "MANAGEMENT": "false", "LIFETIME": "90m",
         "REUSE": "no", "LIMIT": "5", "STRICTLY": "true"},
    )  # fmt: skip
    assert found.server.listen[0].port == 81
    assert found.server.workers == 3
    assert found.server.max_body == 1024
    assert found.server.timeouts.drain == 1.5
    assert found.management is None
    assert (found.tokens.lifetime, found.tokens.reuse) == (5400, False)
    assert found.plugins[0].config.model_dump(include={"limit", "strictly"}) == {"limit": 5, "strictly": True}


def test_a_plain_string_does_not_serve_as_a_number() -> None:
    assert problems("management: {port: '9280'}") == [
        "1:20: management.port: must be a whole number, not a string"
    ]


@pytest.mark.parametrize("value", ["s3cr3t-value", "s3cr3t-value\n", "99999999999999999999999"])
def test_no_problem_repeats_a_value_of_the_environment(value: str) -> None:
    text = """
        server: {listen: [{port: "${X}", host: "${X}/", tls: "${X}"}], workers: "${X}", public_url: "${X}"}
        store: {url: "${X}", timeout: "${X}", prefix: "${X}!"}
        tokens: {key: "${X}", reuse: "${X}"}
        clients: [{id: a, secrets: ["sha256:${X}"], grants: ["${X}"], enabled: "${X}"}]
        routes: [{path: "${X}", upstream: "${X}", auth: "${X}"}, {path: /a, upstream: "${X}"}]
        plugins: [{use: "${X}"}, {use: limit, with: {limit: "${X}", by: "${X}", word: "${X}"}}]
        logging: "${X}"
        """
    found = problems(text, {"X": value})
    assert len(found) > 15
    assert not [line for line in found if value.strip() in line]

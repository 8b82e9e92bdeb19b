"""`clients[].trust` in gateway.yaml."""

from gateway.config.checks.trust import trust_of
from gateway.config.trust import Pattern
from gateway.oauth.trust import ClaimRule
from tests.config.example import settings

TEXT = """
server: {public_url: https://gw.example}
issuers: {cluster: {issuer: https://kubernetes.default.svc}}
clients:
  - id: orders
    trust:
      - {issuer: cluster, subject: "a:b", claims: {n: 74, yes: true, ref: {pattern: "refs/*"}}}
      - {issuer: cluster, subject: {pattern: "a:*"}, audience: "api://x", once: true}
"""


def test_a_trust_is_exact_unless_a_pattern_is_written_as_such() -> None:
    first, second = settings(TEXT).clients[0].trust
    assert (first.subject, first.audience, first.once) == ("a:b", None, False)
    assert second.subject == Pattern(pattern="a:*")


def test_it_becomes_rules_of_which_all_must_hold() -> None:
    first, second = (trust_of(one, "https://gw.example") for one in settings(TEXT).clients[0].trust)
    assert (first.issuer, first.audience) == ("cluster", "https://gw.example")
    assert first.rules == (
        ClaimRule("sub", "a:b"),
        ClaimRule("n", "74"),
        ClaimRule("yes", "true"),
        ClaimRule("ref", "refs/*", pattern=True),
    )
    assert (second.audience, second.once) == ("api://x", True)

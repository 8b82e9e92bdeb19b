"""Trusts that anybody could meet, that are ambiguous, or that name what is not there."""

from textwrap import dedent

import pytest

from gateway.config.checks import WARNINGS
from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from tests.config.example import problems

ISSUERS = """
issuers:
  cluster: {preset: kubernetes, issuer: https://kubernetes.default.svc}
  github: {preset: github}
  gitlab: {preset: gitlab}
  asked: {issuer: https://id.example, introspection: {url: https://i.example, client_id: g, client_secret: s}}
"""


def with_trust(*trusts: str) -> str:
    clients = "".join(f"\n  - {{id: c{number}, trust: [{trust}]}}" for number, trust in enumerate(trusts))
    return f"{ISSUERS}clients:{clients}\n"


def warnings(text: str) -> list[str]:
    try:
        load_text(dedent(text), {}, PluginCatalog(), further=WARNINGS)
    except ConfigurationError as error:
        return [f"{problem.key}: {problem.text}" for problem in error.problems]
    return []


def test_a_good_trust_is_neither_a_problem_nor_warned_of() -> None:
    text = with_trust(
        "{issuer: cluster, subject: 'system:serviceaccount:shop:orders'}",
        "{issuer: github, claims: {repository: org/repo, ref: refs/heads/main}}",
        "{issuer: github, subject: 'repo:org/other:environment:production'}",
        "{issuer: gitlab, claims: {project_path: org/repo, ref: main, ref_protected: true}}",
    )
    assert problems(text) == []
    assert warnings(text) == []


@pytest.mark.parametrize(
    ("trust", "problem"),
    [
        (
            "{issuer: clustr, subject: a}",
            "trust[0].issuer: there is no issuer of this name (did you mean",
        ),
        ("{issuer: asked, subject: a}", "trust[0].issuer: is an issuer that is asked"),
        ("{issuer: cluster}", "trust[0]: needs subject or claims"),
        ("{issuer: cluster, subject: a, claims: {sub: a}}", "trust[0].claims.sub: is what subject says"),
        ("{issuer: cluster, subject: {pattern: a}}", "trust[0].subject.pattern: has no *"),
        ("{issuer: cluster, subject: {pattern: '*:*'}}", "trust[0].subject.pattern: has nothing but *"),
        ("{issuer: cluster, subject: {pattern: 'a**'}}", "trust[0].subject.pattern: has ** in it"),
        ("{issuer: cluster, subject: {pattern: 'a*', x: 1}}", "trust[0].subject.x: unknown key"),
        ("{issuer: cluster, subject: ''}", "trust[0].subject: "),
        ("{issuer: cluster, claims: {a: [b]}}", "trust[0].claims.a: "),
        ("{issuer: cluster, subjekt: a}", "trust[0].subjekt: unknown key (did you mean subject?)"),
        ("{issuer: github, claims: {ref: refs/heads/main}}", "trust[0].claims: is met by every repository"),
        ("{issuer: gitlab, claims: {ref: main}}", "trust[0].claims: is met by every repository"),
    ],
)
def test_a_trust_that_can_not_be_meant_is_an_error_with_its_line(trust: str, problem: str) -> None:
    found, *_ = problems(with_trust(trust))
    assert found.startswith("8:")
    assert f"clients[0].{problem}" in found


@pytest.mark.parametrize(
    ("trust", "warning"),
    [
        ("{issuer: github, claims: {repository: org/repo}}", "forks: add claims.ref or environment"),
        ("{issuer: github, subject: {pattern: 'repo:org/*'}}", "forks: add claims.ref or environment"),
        ("{issuer: gitlab, claims: {project_path: org/repo}}", "forks: add claims.ref or environment"),
        ("{issuer: github, subject: 'repo:org/repo:pull_request'}", "is met by pull requests"),
        ("{issuer: github, claims: {repository: o/r, ref: {pattern: 'refs/pull/*/merge'}}}", "pull requests"),
    ],
)
def test_a_trust_that_forks_could_meet_is_warned_of(trust: str, warning: str) -> None:
    (found,) = warnings(with_trust(trust))
    assert found.startswith("clients[0].trust[0]: ")
    assert warning in found


def test_trusts_of_two_clients_that_overlap_are_warned_of() -> None:
    text = with_trust("{issuer: cluster, subject: 'a:b'}", "{issuer: cluster, subject: {pattern: 'a:*'}}")
    assert warnings(text) == [
        "clients[1].trust[0]: a token could match this trust and another client's: it would be refused "
        "(the first is on line 8)"
    ]


@pytest.mark.parametrize(
    ("issuer", "problem"),
    [
        ("{preset: kubernets, issuer: 'https://a'}", "1:23: issuers.c.preset: "),
        ("{preset: kubernetes, audiences: [a]}", "issuers.c.issuer: is missing"),
        ("{audiences: [a]}", "issuers.c.issuer: is missing"),
        ("{preset: spiffe, issuer: 'spiffe://a', audiences: [a]}", "issuers.c: needs jwks_file or jwks_url"),
        (
            "{preset: spiffe, issuer: 'spiffe://a/b', audiences: [a]}",
            "c.issuer: must be a trust domain",
        ),
        (
            "{issuer: 'spiffe://a', jwks_url: 'https://a', audiences: [a]}",
            "is a trust domain: that",
        ),
    ],
)
def test_a_wrong_preset_is_an_error_with_its_line(issuer: str, problem: str) -> None:
    (found,) = problems(f"issuers: {{c: {issuer}}}")
    assert problem in found

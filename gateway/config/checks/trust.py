"""Checks of `clients[].trust`: who could meet it besides the workload that is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.trust import Pattern, TrustSettings, ValueOrPattern
from gateway.oauth.trust import ClaimRule, Trust, claim_text
from gateway.runtime.give_way import giving_way

REPOSITORY = {
    "github": ("repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise"),
    "gitlab": (
        "project_path",
        "project_id",
        "namespace_path",
        "namespace_id",
    ),
}
"""The claims by which a platform's token says whose it is."""
REFERENCE = {
    "github": ("ref", "environment", "job_workflow_ref"),
    "gitlab": ("ref", "environment", "ref_protected"),
}
"""The claims that only those can bring about who may write to the repository."""
SUBJECT_PARTS = {"github": (":ref:", ":environment:"), "gitlab": (":ref:",)}
SUBJECT_KEYS = {
    "github": {"repo": "repository", "ref": "ref", "environment": "environment"},
    "gitlab": {"project_path": "project_path", "ref_type": "ref_type", "ref": "ref"},
}
"""Pairs such as `repo:org/name` that a platform's subject is made of, and the claims of the same value."""
PULL_REQUEST = ("refs/pull/", ":pull_request", "refs/merge-requests/")


def trust_of(settings: TrustSettings, public_url: str) -> Trust:
    """The trust as the token server has it."""
    given: dict[str, ValueOrPattern | None] = {"sub": settings.subject, **settings.claims}
    rules = [_rule(name, value) for name, value in given.items() if value is not None]
    audience = public_url if settings.audience is None else settings.audience
    return Trust(settings.issuer, audience, tuple(rules), settings.once)


def _rule(name: str, value: ValueOrPattern) -> ClaimRule:
    if isinstance(value, Pattern):
        return ClaimRule(name, value.pattern, pattern=True)
    return ClaimRule(name, claim_text(value) or "")


def trusts_name_known_issuers(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """A trust names an issuer that signs its tokens, and says which of them it means."""
    for path, trust in _trusts(settings):
        if trust.issuer not in context.issuers:
            yield CheckFinding(
                (*path, "issuer"),
                "there is no issuer of this name",
                depends=(("issuers",),) if not context.issuers else (),
                invalid=trust.issuer,
                valid=tuple(sorted(context.issuers)),
            )
        elif (issuer := settings.issuers.get(trust.issuer)) is not None and issuer.introspection is not None:
            text = "is an issuer that is asked about its tokens: a trust needs one whose keys are known"
            yield CheckFinding((*path, "issuer"), text)
        if trust.subject is None and not trust.claims:
            text = "needs subject or claims: else it is met by every token of the issuer"
            yield CheckFinding(path, text, depends=(path,))
        if trust.subject is not None and "sub" in trust.claims:
            yield CheckFinding((*path, "claims", "sub"), "is what subject says", first=(*path, "subject"))


def trusts_name_a_repository(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """A trust of a public platform says whose repository is meant: anybody may have one there."""
    for path, trust in _trusts(settings):
        known = REPOSITORY.get(_preset(settings, trust))
        if known is None or not (trust.claims or trust.subject) or trust.subject is not None:
            continue
        if not any(name in trust.claims for name in known):
            text = f"is met by every repository of the platform: add {known[0]}, or subject"
            yield CheckFinding((*path, "claims"), text)


def trusts_out_of_reach_of_forks(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """A trust of a repository names a branch, a tag or an environment: else pull requests may meet it."""
    for path, trust in _trusts(settings):
        preset = _preset(settings, trust)
        if preset not in REFERENCE:
            continue
        texts = [_shown(value) for value in (trust.subject, *trust.claims.values()) if value is not None]
        if any(part in text for text in texts for part in PULL_REQUEST):
            yield CheckFinding(path, "is met by pull requests, which anybody can open")
        elif not _names_a_reference(trust, preset):
            names = " or ".join(REFERENCE[preset][:2])
            yield CheckFinding(
                path, f"is met by every branch, and may be by pull requests from forks: add claims.{names}"
            )


def _names_a_reference(trust: TrustSettings, preset: str) -> bool:
    if any(name in trust.claims for name in REFERENCE[preset]):
        return True
    subject = "" if trust.subject is None else _shown(trust.subject)
    return any(part in subject for part in SUBJECT_PARTS[preset])


def trusts_apart(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Trusts of two clients have no token in common: whose it is could not be told."""
    known = [(path, _with_implied_claims(settings, trust)) for path, trust in _trusts(settings)]
    for (first, one), (second, other) in combinations(known, 2):
        if first[1] != second[1] and one.overlaps(other):
            text = "a token could match this trust and another client's: it would be refused"
            yield CheckFinding(second, text, first=first)


def _with_implied_claims(settings: Settings, settings_of_trust: TrustSettings) -> Trust:
    """The trust, with the claims that a token of its subject surely has: its platform makes `sub` of them."""
    trust = trust_of(settings_of_trust, settings.server.public_url)
    keys = SUBJECT_KEYS.get(_preset(settings, settings_of_trust), {})
    subject = settings_of_trust.subject
    parts = [] if subject is None else _shown(subject).split(":")
    pairs = zip(parts[::2], parts[1::2], strict=False)
    pattern = isinstance(subject, Pattern)
    implied = [ClaimRule(keys[key], value, pattern) for key, value in pairs if key in keys]
    return replace(trust, rules=(*trust.rules, *implied))


def _trusts(settings: Settings) -> Iterator[tuple[KeyPath, TrustSettings]]:
    for index, client in enumerate(giving_way(settings.clients)):
        for place, trust in enumerate(client.trust):
            yield ("clients", index, "trust", place), trust


def _preset(settings: Settings, trust: TrustSettings) -> str:
    issuer = settings.issuers.get(trust.issuer)
    return (issuer.preset or "") if issuer is not None else ""


def _shown(value: ValueOrPattern) -> str:
    return value.pattern if isinstance(value, Pattern) else str(value)

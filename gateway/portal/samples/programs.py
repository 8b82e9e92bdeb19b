"""A call, as a program in each language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

import jinja2

LANGUAGES = {
    "curl": "curl",
    "python": "Python",
    "javascript": "JavaScript",
    "go": "Go",
    "java": "Java",
    "csharp": "C#",
}
"""By the name of their template."""


@dataclass(frozen=True, slots=True)
class SampleToken:
    """How the program gets its token."""

    url: str
    key: str
    secret: str | None
    """None: the program reads the environment variable CONSUMER_SECRET."""
    form: tuple[tuple[str, str], ...]
    user: bool = False
    """Whether a user's name and password are sent, from the environment."""
    in_form: bool = False
    """Whether key and secret are form parameters, not HTTP Basic."""


@dataclass(frozen=True, slots=True)
class SampleCall:
    """What the program asks of the API."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None


def sample(
    language: str, token: SampleToken | None, call: SampleCall | None, *, self_signed: bool = False
) -> str:
    """The program. Without `token`, the API is open to all; without `call`, it only gets a token."""
    template = _ENVIRONMENT.get_template(f"{language}.txt")
    text = template.render(token=token, call=call, self_signed=self_signed)
    return text.strip() + "\n"


def samples(
    token: SampleToken | None, call: SampleCall | None, *, self_signed: bool = False
) -> dict[str, str]:
    """The program in each language, by the language's name for people."""
    return {title: sample(name, token, call, self_signed=self_signed) for name, title in LANGUAGES.items()}


def literal(text: str) -> str:
    """A string literal that each of the languages but the shell reads alike: as JSON writes it."""
    return json.dumps(text, ensure_ascii=False)


def shell_word(text: str) -> str:
    """A word that a POSIX shell takes as it stands."""
    return "'" + text.replace("'", "'\\''") + "'"


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("gateway.portal", "samples"),
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 (plain text; the page that shows it escapes it)
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(literal=literal, shell=shell_word, form=urlencode)

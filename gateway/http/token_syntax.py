"""RFC 9110 section 5.6.2: token, the syntax of methods, header names and other names in HTTP."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

TCHAR: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
"""One character of a token, as a pattern."""
TOKEN: Final = TCHAR + "++"
"""A token, as a pattern: possessive, so that what follows can't make it try again."""
LONGEST: Final = 128
"""Characters of a name that a configuration may use."""
_TOKEN: Final = re.compile(TOKEN)


def is_token(text: str, longest: int = LONGEST) -> bool:
    """Whether a text is a token of at most so many characters."""
    return len(text) <= longest and _TOKEN.fullmatch(text) is not None


def check_token(value: str) -> str:
    """Refuses what can't be the name of a method or a header."""
    if not is_token(value):
        raise ValueError("must be the name of a header or method, such as X-Canary")
    return value


HttpToken = Annotated[str, AfterValidator(check_token)]
"""The name of any header or method."""

"""E-mail addresses: those that can stand in a header and an SMTP command as they are."""

from __future__ import annotations

import re

LONGEST = 254
"""Characters. RFC 5321 section 4.5.3.1.3, without the angle brackets."""
LONGEST_LOCAL_PART = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# RFC 5321 section 4.1.2: a Dot-string and a Domain. Quoted strings and address literals are left out.
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@{_LABEL}(?:\.{_LABEL})*")


def is_mail_address(text: str) -> bool:
    """Whether it is an address such as `ann@example.org`, and nothing beside it."""
    found = _ADDRESS.fullmatch(text) if len(text) <= LONGEST else None
    return found is not None and len(found[1]) <= LONGEST_LOCAL_PART

"""E-mail addresses: those that can stand in a header and an SMTP command as they are."""

from __future__ import annotations

import re
from unicodedata import normalize

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


def typed_address(text: str) -> str | None:
    """The address that somebody has typed, as it is written to; None: it is none.

    A domain of other letters than ASCII becomes what DNS has for it (IDNA, RFC 5891): `ann@bücher.example` is
    `ann@xn--bcher-kva.example`.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at or len(domain) > LONGEST:
        return None
    if not domain.isascii():
        name = normalize("NFC", domain).lower()
        try:
            encoded = name.encode("idna")
            # Letters that the codec, which has IDNA of 2003, takes for others (ß) might lead to others, too.
            if encoded.decode("idna") != name:
                return None
        except UnicodeError:
            return None
        domain = encoded.decode()
    address = f"{local}@{domain.lower()}"
    return address if is_mail_address(address) else None


def mailbox_of(address: str) -> str:
    """What addresses have in common that lead, as far as anybody can tell, to one mailbox.

    Case makes no difference at most servers, nor does what follows a plus sign (RFC 5233): who counts the
    mails to a mailbox must not count less for either.
    """
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"

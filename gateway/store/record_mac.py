"""Records in the store have a MAC over their name and content, under a key that is not in the store.

So an attacker who can only write to the store can't forge a token with wider scopes, a client or an
administrator. The
MAC is the last member of the record's JSON, where the scripts that the store runs need not know of it:
`{"client":"demo", …,"mac":"…"}`. A record without a valid MAC counts as missing.

An earlier record of the same name is not told from the present one, and generations have no MAC.
"""

from __future__ import annotations

import hmac
import logging
from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct

from gateway.errors import StoreUnavailable

log = logging.getLogger("gatepost")

PURPOSE = "record mac"
"""The purpose of the derived keys."""
_BYTES = 16
_HEAD, _CHARS, _TAIL = b',"mac":"', 22, b'"}'
_LENGTH = len(_HEAD) + _CHARS + len(_TAIL)
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_MOST_LOGGED = 100
_length = Struct(">I").pack


class RecordMac:
    """Signs records with the first key, and accepts those that were signed with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        # RFC 7693 section 2.9: BLAKE2 with a key is a MAC; no HMAC is needed.
        self._keyed = tuple(blake2b(key=key, digest_size=_BYTES) for key in keys)
        self._logged: set[str] = set()
        self.problem: str | None = None
        """The error that `sign` raises; None: there is none."""

    def sign(self, name: str, record: str) -> str:
        """The record, a JSON object with at least one member, with its MAC.

        `name` is the key or field of the record. Raises StoreUnavailable while the master key is not that
        of the store: others would ignore the record.
        """
        return self.sign_bytes(name, record.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def sign_bytes(self, name: str, record: bytes) -> bytes:
        """The same of a record as it lies in the store."""
        if self.problem is not None:
            raise StoreUnavailable(self.problem)
        return b"%s%s%s%s" % (record[:-1], _HEAD, _tag(self._keyed[0], name, record), _TAIL)

    def verify(self, name: str, signed: bytes) -> bytes | None:
        """The record without its MAC; None, with a log line, where the MAC is missing or wrong."""
        record = self._verified(name, signed, self._keyed)
        if record is None and name not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(name)
            log.warning(
                "the record %r in the store is ignored: it was not signed with tokens.keys"
                " (`gatepost keys check` says more)",
                name,
            )
        return record

    @staticmethod
    def unsigned(record: bytes) -> str:
        """The record without its MAC, which is not verified."""
        tail = record[-_LENGTH:]
        plain = record[:-_LENGTH] + b"}" if tail.startswith(_HEAD) and tail.endswith(_TAIL) else record
        return plain.decode("utf-8", "surrogatepass")

    def is_current(self, name: str, signed: bytes) -> bool:
        """Whether it was signed with the first key."""
        return self._verified(name, signed, self._keyed[:1]) is not None

    def is_valid(self, name: str, signed: bytes) -> bool:
        """Whether it was signed with any of the keys."""
        return self._verified(name, signed, self._keyed) is not None

    @staticmethod
    def _verified(name: str, signed: bytes, keyed: Sequence[blake2b]) -> bytes | None:
        record, given = signed[:-_LENGTH] + b"}", signed[-_LENGTH:]
        for key in keyed:
            # With what stands around the MAC: so nothing has to be looked for beforehand.
            if hmac.compare_digest(_HEAD + _tag(key, name, record) + _TAIL, given):
                return record
        return None


def _tag(keyed: blake2b, name: str, record: bytes) -> bytes:
    tag, key = keyed.copy(), name.encode("utf-8", "surrogatepass")
    # The name's length keeps name and record apart.
    tag.update(_length(len(key)) + key + record)
    return b2a_base64(tag.digest())[:_CHARS].translate(_URLSAFE)

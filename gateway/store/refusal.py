"""The server's error replies, turned into words that never repeat a value."""

from __future__ import annotations

import re

from gateway.errors import StoreUnavailable

MEANINGS = {
    "BUSY": "a script keeps it busy",
    "CLUSTERDOWN": "its cluster is down",
    "DENIED": "its protected mode denies connections from other machines",
    "LOADING": "it is still loading its data",
    "MASTERDOWN": "it is a replica without its primary",
    "MISCONF": "it can't write to its disk",
    "MOVED": "it is a member of a cluster, and another one holds the key",
    "NOAUTH": "it asks for a password",
    "NOPERM": "its user may not run this command or use this key",
    "NOREPLICAS": "too few of its replicas are in step",
    "OOM": "its memory is full",
    "READONLY": "it is a read-only replica",
    "WRONGPASS": "it does not accept the user and password",
    "WRONGTYPE": "a key holds what another program put there",
}
LONGEST = 120
CODE = re.compile(r"[A-Z]+")
WITHIN_SCRIPT = re.compile(rf"ERR Error running script .*?: -?({'|'.join(MEANINGS)})\b")
"""How Redis 6 tells of an error that a script has met."""
BEFORE_VALUES = re.compile(r"[A-Za-z0-9 _.,()/@-]*")


class Refused(StoreUnavailable):
    """The server answered a command with an error. `code` is the first word of its text."""

    def __init__(self, command: str, text: str) -> None:
        code, _, rest = text.partition(" ")
        if inner := WITHIN_SCRIPT.match(text):
            code = inner[1]
        if not CODE.fullmatch(code):  # redis-py takes it off some texts
            code, rest = "ERR", text
        self.code = code
        # An unlisted text is cut where it begins to quote: it may quote what was sent, a secret among it.
        meaning = MEANINGS.get(code) or (BEFORE_VALUES.match(rest) or [""])[0].strip()[:LONGEST]
        super().__init__(f"the store refused {command}: {meaning} ({code})")

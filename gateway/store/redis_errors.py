"""The server's error replies, turned into words that never repeat a value."""

from __future__ import annotations

import logging
import os
import re

from gateway.errors import StoreUnavailable

log = logging.getLogger("gatepost")

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
NOT_PRIMARY = frozenset({"MASTERDOWN", "READONLY"})
"""Codes with which a server says that it is a replica."""
MOVING = frozenset({"ASK", "MOVED", "TRYAGAIN"})
"""Codes with which a node of a cluster says that a key's slot is on its way, or elsewhere."""
NOT_LOCAL = "non local key"
"""What a script says that has met a key which is just being moved."""
MOST_NAMED = 100
LONGEST = 120
CODE = re.compile(r"[A-Z]+")
WITHIN_SCRIPT = re.compile(rf"ERR Error running script .*?: -?({'|'.join(MEANINGS)})\b")
"""How Redis 6 tells of an error that a script has met."""
DENIED_COMMAND = re.compile(r"permissions to run the '([a-z|-]{1,40})' command")
BEFORE_VALUES = re.compile(r"[A-Za-z0-9 _.,()/@-]*")


class CommandRejected(StoreUnavailable):
    """The server answered a command with an error. `code` is the first word of its text."""

    answered = True

    def __init__(self, command: str, text: str) -> None:
        code, _, rest = text.partition(" ")
        if inner := WITHIN_SCRIPT.match(text):
            code = inner[1]
        if not CODE.fullmatch(code):  # redis-py takes it off some texts
            code, rest = "ERR", text
        self.code = code
        # An unlisted text is cut where it begins to quote: it may quote what was sent, a secret among it.
        meaning = _missing_right(text) if code == "NOPERM" else MEANINGS.get(code)
        meaning = meaning or (BEFORE_VALUES.match(rest) or [""])[0].strip()[:LONGEST]
        self.meaning = meaning
        self.moving = code in MOVING or NOT_LOCAL in text
        """Whether this is about the place of a key, and not about the command."""
        super().__init__(f"the store refused {command}: {meaning} ({code})")


class SlotMoving(StoreUnavailable):
    """A key's slot is on its way from one node of a cluster to another: nobody knows yet what it holds."""

    answered = True

    def __init__(self) -> None:
        super().__init__("the key's slot is being moved")


def _missing_right(text: str) -> str:
    """Which right the user lacks: the server names a command, which is no secret."""
    named = DENIED_COMMAND.search(text)
    if named is not None:
        return f"its user may not run the command {named[1].replace('|', ' ')}"
    if "channel" in text:
        return "its user may not use the channel"
    return "its user may not use the key" if " key" in text else MEANINGS["NOPERM"]


def reason_of(error: Exception) -> str:
    """Why there is no connection, for the log; never a text that may repeat what was sent."""
    if isinstance(error, StoreUnavailable):
        return error.reason
    if isinstance(error, TimeoutError):
        return "the store did not accept a connection in time"
    if isinstance(error, ConnectionError) and error.errno is not None:
        # asyncio has a text of its own, with the address.
        return f"the store can't be reached: {os.strerror(error.errno)}"
    if isinstance(error, OSError):
        return f"the store can't be reached: {error.strerror or error}"
    return f"the store can't be reached: {type(error).__name__}"


class MissingRights:
    """Names each right that the server's user lacks in one line of the log."""

    def __init__(self) -> None:
        self._named: frozenset[str] = frozenset()

    def on_rejected(self, refusal: CommandRejected) -> None:
        """A command was refused."""
        if refusal.code != "NOPERM" or refusal.meaning in self._named or len(self._named) >= MOST_NAMED:
            return
        self._named |= {refusal.meaning}
        log.error("a right is missing in the store: %s (see `gatepost store check`)", refusal.meaning)

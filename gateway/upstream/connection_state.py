"""The states of a connection to an upstream, and what leads from one to the next.

A cell names the state that follows, and in quotes the error that the handler gets:

    state              | send              | bytes arrive        | closed by upstream       | time is up
    -------------------|-------------------|---------------------|--------------------------|-----------------
    IDLE               | AWAITING_RESPONSE | CLOSED (1)          | CLOSED                   | CLOSED
    AWAITING_RESPONSE  |                   | any below, IDLE (2) | CLOSED "before response" | CLOSED "slow"
    CONTINUED          |                   | any below, IDLE (2) | CLOSED "incomplete"      | CLOSED "slow"
    READING_HEAD       |                   | any below, IDLE (2) | CLOSED "incomplete"      | CLOSED "slow"
    READING_BODY       |                   | READING_BODY, IDLE  | CLOSED "incomplete" (3)  | CLOSED "slow"
    TUNNEL             |                   | TUNNEL              | TUNNEL, CLOSED (4)       | CLOSED "slow"
    CLOSED             |                   |                     |                          |

`abort` leads from every state to CLOSED. A message that can't be read leads to CLOSED with an error.
(1) No request asked for them: whatever they are, they must not become the next response.
(2) IDLE once the response is complete, or CLOSED where the connection can't be used again.
(3) No error where the connection's end is the body's end.
(4) Where only its direction has ended, this end may write on; the handler gets an empty piece of data.

Beside the state there are three flags: whether the request has been sent to its end, since a response may
come before that, and for each direction whether it is paused.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class ConnectionState(Enum):
    """What a connection is doing; see the table above."""

    IDLE = "idle"
    AWAITING_RESPONSE = "awaiting_response"
    """A request is on its way; not a byte of the response has come."""
    CONTINUED = "continued"
    """100 (Continue) has come, and not a byte behind it."""
    READING_HEAD = "reading_head"
    READING_BODY = "reading_body"
    TUNNEL = "tunnel"
    CLOSED = "closed"


# Names of the module are found faster than members of a class.
IDLE: Final = ConnectionState.IDLE
AWAITING_RESPONSE: Final = ConnectionState.AWAITING_RESPONSE
CONTINUED: Final = ConnectionState.CONTINUED
READING_HEAD: Final = ConnectionState.READING_HEAD
READING_BODY: Final = ConnectionState.READING_BODY
TUNNEL: Final = ConnectionState.TUNNEL
CLOSED: Final = ConnectionState.CLOSED

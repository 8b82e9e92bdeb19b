"""A restart: the gateway that shuts down gives its management address to its successor."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from typing import TypeVar

from gateway.process.listeners import AddressInUseError, ListenAddress

RELEASE_PATH = "/release"
"""Where a gateway that shuts down is asked to stop accepting on its management listener. Until then it says
there that it is not ready.
"""
TIMEOUT = 2.0
"""Seconds within which all workers of a predecessor have to give up the address."""
ANSWER_TIMEOUT = 0.5
PAUSE = 0.01

Bound = TypeVar("Bound")


def bind_after_predecessor(address: ListenAddress, bind: Callable[[], Bound]) -> Bound:
    """What `bind` returns. While a gateway that shuts down has the address, it is asked to give it up.

    Raises AddressInUseError where anything else has it.
    """
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return bind()
        except AddressInUseError:
            # Each request reaches one worker.
            if time.monotonic() > deadline or not ask_to_release(address):
                raise
            time.sleep(PAUSE)


def ask_to_release(address: ListenAddress) -> bool:
    """Whether what listens there is a gateway that shuts down, or has just gone."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=ANSWER_TIMEOUT)
    try:
        connection.request("POST", RELEASE_PATH)
        return connection.getresponse().status == http.client.OK
    except ConnectionError:
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

"""The queue of a listening socket: connections that the kernel has completed and nobody has accepted yet.

Closing a socket resets what is in its queue, and connections go on arriving until then. So a socket that is
about to go is first told to take nothing new, and then its queue is accepted to the end.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys

BACKLOG = 2048
"""The `listen(2)` backlog."""

HANDSHAKE_DELAY = 0.05
"""Seconds for handshakes that had begun before the socket was told to take nothing new."""

_ATTACH_FILTER = 26
"""SO_ATTACH_FILTER of socket(7); read with getsockopt() it is SO_GET_FILTER."""
_MOST_INSTRUCTIONS = 4096
"""BPF_MAXINSNS: what SO_GET_FILTER may write."""
_TCP_INFO_SIZE, _TCPI_UNACKED = 28, 24
"""Of struct tcp_info in linux/tcp.h: as many bytes as are needed, and where in them stands, of a listening
socket, how many connections wait."""
_INSTRUCTION = struct.Struct("HBBI")
_PROGRAM = struct.Struct("HP")

# A packet filter (bpf) on the TCP header: a SYN without ACK is dropped, all else passes. RFC 9293 section 3.1
# has the flags in byte 13.
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte
    (0x54, 0, 0, 0x12),  # SYN and ACK of it
    (0x15, 0, 1, 0x02),  # only SYN?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFF_FFFF),  # keep
)


def refuse_new(sock: socket.socket) -> None:
    """Takes no new connections from now on, in whatever process; those in the queue can still be accepted.

    A TCP client that tries gets no answer until the socket is closed, and then a refusal. Where the system
    can't do it (not on Linux), nothing happens.
    """
    if sys.platform != "linux" or sock.fileno() < 0:
        return
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*each) for each in _DROP_SYN))
    program = _PROGRAM.pack(len(_DROP_SYN), ctypes.addressof(code))
    # On a Unix socket the filter has no effect, but marks it.
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
    if sock.family == socket.AF_UNIX:
        # For a listening one it means exactly that; for TCP it would reset the queue.
        sock.shutdown(socket.SHUT_RD)


def refuses_new(sock: socket.socket) -> bool:
    """Whether `refuse_new` has been called, in whatever process."""
    if sys.platform != "linux" or sock.fileno() < 0:
        return False
    # Not by `socket.getsockopt`: the length here counts instructions and not bytes.
    code = ctypes.create_string_buffer(_MOST_INSTRUCTIONS * _INSTRUCTION.size)
    length = ctypes.c_uint(_MOST_INSTRUCTIONS)
    failed = ctypes.CDLL(None).getsockopt(
        sock.fileno(), socket.SOL_SOCKET, _ATTACH_FILTER, code, ctypes.byref(length)
    )
    return not failed and length.value == len(_DROP_SYN)


def queue_length(sock: socket.socket) -> int:
    """How many connections wait to be accepted; 0: none, or the system does not say.

    To be told by `accept` that there are no more costs twenty times as much: Linux makes a socket first.
    """
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return 0
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    return int.from_bytes(info[_TCPI_UNACKED:], sys.byteorder)

"""Secrets in files, as Docker and Kubernetes mount them."""

from __future__ import annotations

import os
import stat

MAX_SIZE = 64 * 1024
"""In bytes. A secret is smaller; a larger file is another one."""


def read_secret(path: str) -> str:
    """The content of a file without the line break at its end.

    Raises:
        ValueError: it is missing, unreadable, empty, too large, or not a text. The text says which file, and
            nothing of its content.
    """
    if not path:
        raise ValueError("has a reference to a file without its path: write ${file:/run/secrets/name}")
    content = _read(path)
    if len(content) > MAX_SIZE:
        raise ValueError(f"the file {path} is larger than 64 KiB: it is no secret")
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"the file {path} is not UTF-8") from None
    if not text:
        raise ValueError(f"the file {path} is empty")
    return text


def _read(path: str) -> bytes:
    try:
        # Opening a pipe would wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ValueError(f"the file {path} does not exist") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no file name"
        raise ValueError(f"the file {path} can't be read: {reason}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{path} is not a regular file")
        # Not open(): it refuses a directory's descriptor by an error that doesn't name the file.
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(MAX_SIZE + 1)
    except OSError as error:
        raise ValueError(f"the file {path} can't be read: {error.strerror}") from None
    finally:
        os.close(descriptor)

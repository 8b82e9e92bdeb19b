"""The record MAC key of the tests' stores."""

from __future__ import annotations

from gateway.store import RecordMac

MAC = RecordMac((b"r" * 32,))

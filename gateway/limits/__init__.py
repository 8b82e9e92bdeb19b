"""Limits shared by all workers of all gateways, decided without waiting for the store.

Each worker has some of every limit on loan and settles in the background: what it used, what it gives back,
what it needs next. `bucket` is one key, `ledger` all keys of a worker, `keeper` the background work;
`gateway.store.limits` is where the workers meet.
"""

from gateway.limits.allowance import Part, admit, rate_parts
from gateway.limits.bucket import Bucket, Window
from gateway.limits.keeper import Limits
from gateway.limits.subject import Subject

__all__ = ["Bucket", "Limits", "Part", "Subject", "Window", "admit", "rate_parts"]

"""Rate limits shared by all workers of all gateways, decided without waiting for the store.

Each worker leases a part of every limit, and settles with the store in the background: uses, returned leases,
new leases. `rate_bucket` is one key, `lease_table` all keys of a worker, `lease_sync` the background work;
`gateway.store.limits` is the shared state.
"""

from gateway.limits.allowance import LimitPart, admit, rate_parts
from gateway.limits.lease_sync import Limits
from gateway.limits.rate_bucket import RateBucket, Window
from gateway.limits.subject import Subject

__all__ = ["LimitPart", "Limits", "RateBucket", "Subject", "Window", "admit", "rate_parts"]

"""A real Valkey server of the gateway's own, for `store.url: embedded`."""

from gateway.store.embedded.keeper import EmbeddedStore
from gateway.store.embedded.place import running_url

__all__ = ["EmbeddedStore", "running_url"]

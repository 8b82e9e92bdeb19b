"""The embedded store: a Valkey server as a child process (`store.url: embedded`)."""

from gateway.store.embedded.embedded_store import EmbeddedStore, StoreInheritance
from gateway.store.embedded.socket_path import running_url

__all__ = ["EmbeddedStore", "StoreInheritance", "running_url"]

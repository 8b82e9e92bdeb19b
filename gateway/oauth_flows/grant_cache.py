"""What grants have decided that depend on nothing but the client and a few parameters of the form.

Only those are kept that say so themselves (`gateway.plugin.GrantPlugin.depends_on`). A client that was
changed is another object: for it the grant is asked anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from gateway.oauth.form import Form
from gateway.oauth.grants import Grant
from gateway.oauth.model import Client
from gateway.runtime.caches import MIB, register

_GRANTS = register("grants of clients", __name__, entries=256, key_bytes=1024, total_bytes=24 * MIB)
Key = tuple[object, ...]


def grant_key(client: Client, grant_type: str, form: Form, depends_on: Sequence[str]) -> Key | None:
    """What a grant is kept under that depends on these parameters; None: it is too large to be kept."""
    resources = form.resources
    values = [form.single.get(name, "") for name in depends_on]
    size = len(client.id) + len(grant_type) + len("".join(values))
    if resources:
        size += len("".join(resources)) + 50 * len(resources)
    return (client.id, grant_type, resources, *values) if size <= _GRANTS.key_bytes else None


class GrantCache:
    """Grants for one configuration. The oldest make room. Nobody changes what is kept."""

    def __init__(self) -> None:
        self._grants: OrderedDict[Key, tuple[Client, Grant]] = OrderedDict()

    def get(self, key: Key, client: Client) -> Grant | None:
        """What the client was granted; None: the grant must be asked."""
        found = self._grants.get(key)
        return found[1] if found is not None and found[0] is client else None

    def put(self, key: Key, client: Client, grant: Grant) -> None:
        """Keeps what the client was granted."""
        if len(self._grants) >= _GRANTS.entries:
            self._grants.popitem(last=False)
        self._grants[key] = client, grant

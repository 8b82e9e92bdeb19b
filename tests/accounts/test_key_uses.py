"""Uses of keys that the store does not take."""

from gateway.accounts.key_uses import KeyUses
from gateway.errors import StoreUnavailable
from gateway.store.key_uses import KeyUse


class Store:
    """Takes nothing while it is away."""

    def __init__(self) -> None:
        self.away, self.kept = True, dict[str, dict[str, KeyUse]]()

    async def write(self, client_id: str, uses: dict[str, KeyUse]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.kept.setdefault(client_id, {}).update(uses)


async def test_what_the_store_does_not_take_is_kept_unless_there_is_newer() -> None:
    store = Store()
    uses = KeyUses(store)  # type: ignore[arg-type]
    uses.note("shop", "a", "192.0.2.1", [(b"User-Agent", b"curl/8.5.0")], 1.5)
    uses.note("shop", "b", "192.0.2.1", (), 2)
    await uses.settle()
    uses.note("shop", "b", "192.0.2.2", (), 3)
    store.away = False
    await uses.settle()
    assert store.kept == {"shop": {"a": KeyUse(1, "192.0.2.1", "curl/8.5.0"), "b": KeyUse(3, "192.0.2.2")}}
    store.kept.clear()
    await uses.settle()
    assert store.kept == {}

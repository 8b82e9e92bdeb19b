from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.oauth.passkey import Passkey
from gateway.oauth.user import User
from gateway.oauth.user_mail import UserMail
from gateway.store import RecordCounts, RecordMac, Store
from gateway.store.passkeys import StoredPasskeys
from gateway.store.user_mails import StoredUserMail
from tests.conftest import Valkey

OLD, NEW = b"r" * 32, b"n" * 32


async def fill(store: Store) -> None:
    await store.clients.create(Client(id="shop", scopes=("a",), source="store"))
    await store.applications.create(Application(id="app", name="Shop", owner="ada"))
    await store.users.create(User("ada", "scrypt", source="store"))


async def opened(valkey: Valkey, prefix: str, *keys: bytes) -> Store:
    store = Store(valkey.url, prefix, mac=RecordMac(keys))
    await store.start()
    return store


async def test_records_of_an_older_key_are_signed_with_the_first(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    await fill(store)
    assert await store.records.count() == RecordCounts(current=3)
    both, new = await opened(valkey, prefix, NEW, OLD), await opened(valkey, prefix, NEW)
    assert await both.records.count() == RecordCounts(older=3)
    assert await new.records.count() == RecordCounts(unsigned=3)
    assert await both.records.renew() == 3
    assert await both.records.renew() == 0
    assert await new.records.count() == RecordCounts(current=3)
    assert await new.users.get("ada") is not None
    assert (await new.clients.list())[0].scopes == ("a",)
    await both.stop()
    await new.stop()


async def test_passkeys_and_user_mails_of_an_older_key_are_kept_too(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    passkey, mail = Passkey("aWQ", "Laptop", "a2V5", 0, 1), UserMail("ada@example.org")
    ada = await store.users.create(User("ada", "scrypt", source="store"))
    await store.passkeys.replace(ada, StoredPasskeys(), (passkey,))
    await store.user_mails.replace(ada.id, StoredUserMail(), mail)
    both, new = await opened(valkey, prefix, NEW, OLD), await opened(valkey, prefix, NEW)
    assert await both.records.renew() == 3
    assert (await new.passkeys.read(ada.id)).passkeys == (passkey,)
    assert (await new.user_mails.read(ada.id)).mail == mail
    await both.stop()
    await new.stop()


async def test_only_adopting_signs_what_has_no_valid_mac(store: Store, valkey: Valkey, prefix: str) -> None:
    await fill(store)
    with valkey.client as server:
        server.hset(f"{prefix}users", "bob", '{"name":"bob","password":"x","admin":true}')
    new = await opened(valkey, prefix, NEW)
    assert await new.records.renew() == 0
    assert await new.users.get("bob") is None
    assert await new.records.adopt() == 4
    bob = await new.users.get("bob")
    assert bob is not None
    assert bob.admin
    assert await new.records.count() == RecordCounts(current=4)
    await new.stop()


async def test_what_is_no_record_at_all_is_left_alone(store: Store, valkey: Valkey, prefix: str) -> None:
    with valkey.client as server:
        server.hset(f"{prefix}clients", "odd", "nonsense")
    assert await store.records.adopt() == 0
    assert await store.records.count() == RecordCounts(unsigned=1)

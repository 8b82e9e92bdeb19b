"""People's own e-mail addresses: a signed record for each person, in one hash."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import GatepostError
from gateway.oauth.user_mail import KINDS, MailKind, UserMail
from gateway.store.change_listener import ChangeListener
from gateway.store.json_record import JsonRecord, write_record
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script

KIND = "mails"
"""What `KeyNames.record` calls the records."""
READ = Script(
    "user_mails.read",
    """
-- Of somebody who is gone nothing is known, whatever is left.
if redis.call('EXISTS', KEYS[2]) == 0 then return false end
return redis.call('HGET', KEYS[1], ARGV[1])
""",
)
REPLACE = Script(
    "user_mails.replace",
    """
local user, before, after = ARGV[1], ARGV[2], ARGV[3]
if (redis.call('HGET', KEYS[1], user) or '') ~= before then return 0 end
if after == '' then
  redis.call('HDEL', KEYS[1], user)
  return 1
end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[1], user, after)
return 1
""",
)


class UserMailChanged(GatepostError):  # noqa: N818 (it says what the matter is)
    """The address was changed meanwhile, or its person is gone."""


@dataclass(frozen=True, slots=True)
class StoredUserMail:
    """A person's address, as it was read."""

    mail: UserMail = UserMail()
    data: bytes = b""
    """The record; empty: there is none."""


class UserMailStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(
        self, link: StoreLink, names: KeyNames, mac: RecordMac, changes: ChangeListener | None = None
    ) -> None:
        """`changes` hears of what is told of changes."""
        self._link = link
        self._names = names
        self._mac = mac
        self._changes = changes or ChangeListener()

    async def read(self, user_id: str) -> StoredUserMail:
        """A person's address. A record whose MAC is not valid counts as none, and is written over."""
        data = await self._link.script(READ, self._keys(user_id), (user_id,))
        if data is None:
            return StoredUserMail()
        record = self._mac.verify(self._record(user_id), data)
        return StoredUserMail(UserMail() if record is None else read_user_mail(record), data)

    async def replace(self, user_id: str, before: StoredUserMail, after: UserMail, action: str = "") -> None:
        """Writes a person's address; one of nothing is removed. `action`: what listeners hear of it; empty:
        nothing. Raises UserMailChanged.
        """
        record = "" if after.empty else self._mac.sign(self._record(user_id), write_user_mail(after))
        args = (user_id, before.data, record)
        if not await self._link.script(REPLACE, self._keys(user_id), args):
            raise UserMailChanged("the e-mail address was changed meanwhile")
        if action:
            self._changes.heard(action, user_id, before.mail, after)

    def _keys(self, user_id: str) -> tuple[str, str]:
        return self._names.user_mails, self._names.user_generations + user_id

    def _record(self, user_id: str) -> str:
        return self._names.record(KIND, user_id)


def write_user_mail(mail: UserMail) -> str:
    """The record of an address."""
    return write_record(
        {
            "email": mail.email,
            "pending": mail.pending_email,
            "asked": mail.asked,
            "kinds": list(mail.kinds),
            "language": mail.language,
        }
    )


def _kinds(names: tuple[str, ...]) -> tuple[MailKind, ...]:
    return tuple(one for one in KINDS if one in names)


def read_user_mail(data: bytes) -> UserMail:
    """The address in a record; none where it is malformed."""
    try:
        record = JsonRecord.parse(data)
        return UserMail(
            record.text("email", ""),
            record.text("pending", ""),
            record.whole("asked", 0),
            _kinds(record.texts("kinds")),
            record.text("language", ""),
        )
    except (ValueError, TypeError):
        return UserMail()

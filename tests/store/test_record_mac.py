import logging

import pytest

from gateway.store.json_record import JsonRecord, write_record
from gateway.store.record_mac import RecordMac

OLD, NEW = RecordMac((b"o" * 32,)), RecordMac((b"n" * 32,))
BOTH = RecordMac((b"n" * 32, b"o" * 32))
RECORD = write_record({"client": "demo", "scope": "a"})


def test_a_signed_record_is_the_same_json_with_one_more_member() -> None:
    signed = OLD.sign("t:1", RECORD)
    assert OLD.verify("t:1", signed.encode()) == RECORD.encode()
    assert JsonRecord.parse(signed.encode()).text("client") == "demo"


@pytest.mark.parametrize(
    "changed",
    [
        lambda signed: signed.replace(b'"a"', b'"admin"'),
        lambda signed: signed.replace(b'{"client"', b'{"scope":"admin","client"'),
        lambda signed: signed[:-3] + (b"A" if signed[-3:-2] != b"A" else b"B") + signed[-2:],
        lambda signed: signed + b" ",
        lambda signed: signed[:-2] + b'","mac":""}',
        lambda _: RECORD.encode(),
        lambda _: b"",
        lambda _: b'{"mac":""}',
    ],
)
def test_a_record_that_was_changed_or_made_by_others_is_refused(changed, caplog) -> None:  # type: ignore[no-untyped-def]
    mac = RecordMac((b"o" * 32,))
    signed = changed(OLD.sign("t:1", RECORD).encode())
    with caplog.at_level(logging.WARNING, "gatepost"):
        assert mac.verify("t:1", signed) is None
        assert mac.verify("t:1", signed) is None
    assert [line.getMessage() for line in caplog.records] == [
        "the record 't:1' in the store is ignored: it was not signed with tokens.keys"
        " (`gatepost keys check` says more)"
    ]


def test_a_record_is_good_under_its_own_name_alone() -> None:
    assert OLD.verify("t:2", OLD.sign("t:1", RECORD).encode()) is None
    assert OLD.verify("t:", OLD.sign("t:1", RECORD).encode()) is None


def test_after_a_change_of_keys_records_of_the_old_key_are_accepted_and_not_current() -> None:
    signed = OLD.sign("t:1", RECORD).encode()
    assert BOTH.verify("t:1", signed) == RECORD.encode()
    assert not BOTH.is_current("t:1", signed)
    assert BOTH.is_current("t:1", BOTH.sign("t:1", RECORD).encode())
    assert NEW.verify("t:1", BOTH.sign("t:1", RECORD).encode()) == RECORD.encode()
    assert OLD.verify("t:1", BOTH.sign("t:1", RECORD).encode()) is None


def test_text_that_is_no_unicode_can_be_signed() -> None:
    record = '{"name":"\ud800"}'
    data = record.encode("utf-8", "surrogatepass")
    assert OLD.verify("n\ud800", OLD.sign("n\ud800", record).encode("utf-8", "surrogatepass")) == data


def test_it_takes_a_few_microseconds() -> None:
    # Slower by an order of magnitude would be felt on each first use of a token.
    from timeit import repeat  # noqa: PLC0415 (for this test alone)

    signed = OLD.sign("t:1", RECORD).encode()
    assert min(repeat(lambda: OLD.verify("t:1", signed), number=1000, repeat=5)) < 0.05

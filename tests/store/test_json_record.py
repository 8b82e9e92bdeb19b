from typing import Any

import pytest

from gateway.store.json_record import JsonRecord, write_record


def test_leaves_out_what_is_none_or_empty_and_keeps_zero_and_false() -> None:
    members: dict[str, Any] = {"a": None, "b": "", "c": [], "d": (), "e": {}, "f": 0, "g": False, "h": "ö"}

    assert write_record(members) == '{"f":0,"g":false,"h":"ö"}'


def test_reads_members_by_type_and_lets_unknown_ones_be() -> None:
    record = JsonRecord.parse(
        b'{"t":"x","n":3,"b":true,"l":["a"],"m":{"k":"v"},"r":[{"t":"y"}],"new":[1,{}]}'
    )

    assert (record.text("t"), record.text("no", "else"), record.text_or_none("no")) == ("x", "else", None)
    assert (record.whole("n"), record.whole("no", 0), record.whole_or_none("no")) == (3, 0, None)
    assert (record.truth("b"), record.truth("no", True)) == (True, True)
    assert (record.texts("l"), record.texts("no")) == (("a",), ())
    assert (record.text_map("m"), record.text_map("no")) == ({"k": "v"}, {})
    assert [item.text("t") for item in record.records("r")] == ["y"]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"1", b"\xff", b"[" * 100_000])
def test_refuses_what_is_no_object(data: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        JsonRecord.parse(data)


@pytest.mark.parametrize("value", [b"null", b"1", b"1.5", b"true", b'"x"', b"[1]", b'{"k":1}', b"[[]]"])
@pytest.mark.parametrize("kind", ["text", "whole", "truth", "texts", "text_map", "records"])
def test_refuses_members_of_another_type(kind: str, value: bytes) -> None:
    right = {"text": b'"x"', "whole": b"1", "truth": b"true"}
    if right.get(kind) == value:
        return
    record = JsonRecord.parse(b'{"m":%s}' % value)

    with pytest.raises((ValueError, TypeError)):
        getattr(record, kind)("m")


@pytest.mark.parametrize("kind", ["text", "whole", "truth"])
def test_a_member_without_a_default_must_be_there(kind: str) -> None:
    with pytest.raises(TypeError):
        getattr(JsonRecord.parse(b"{}"), kind)("m")

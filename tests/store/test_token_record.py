import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.model import TokenInfo
from gateway.store.token_record import read_token_info, write_token_info

PLAIN = TokenInfo(
    client="demo",
    scopes=("am_application_scope", "default"),
    audience=(),
    subject="demo",
    issued=1_700_000_000,
    expires=1_700_003_600,
    grant="client_credentials",
)

words = st.text(st.characters(codec="utf-8"), max_size=20)
scopes = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
seconds = st.integers(0, 2**40)


def test_a_record_can_be_read_by_a_person_and_says_nothing_twice() -> None:
    assert json.loads(write_token_info(PLAIN)) == {
        "client": "demo",
        "scope": "am_application_scope default",
        "sub": "demo",
        "iat": 1_700_000_000,
        "exp": 1_700_003_600,
        "grant": "client_credentials",
    }


@given(
    st.builds(
        TokenInfo,
        client=words,
        scopes=st.lists(scopes, max_size=4).map(tuple),
        audience=st.lists(words, max_size=3).map(tuple),
        subject=words,
        issued=seconds,
        expires=seconds,
        grant=words,
        source=st.sampled_from(["file", "store"]),
        user=st.none() | words.filter(bool),
        extra=st.dictionaries(words, words, max_size=3),
    )
)
def test_facts_come_back_as_they_went_in(facts: TokenInfo) -> None:
    if not facts.client:
        assert read_token_info(write_token_info(facts).encode()) is None
    else:
        assert read_token_info(write_token_info(facts).encode()) == facts


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("client", None),
        ("client", 1),
        ("client", ["demo"]),
        ("scope", ["default"]),
        ("scope", None),
        ("aud", "https://api.example"),
        ("aud", [1]),
        ("sub", 5),
        ("iat", "1700000000"),
        ("iat", None),
        ("exp", 1.5),
        ("exp", True),
        ("exp", None),
        ("grant", {}),
        ("user", 7),
        ("extra", {"k": 1}),
        ("extra", []),
    ],
)
def test_a_record_that_is_wrong_in_any_part_is_no_token(member: str, value: object) -> None:
    record = json.loads(write_token_info(PLAIN))
    record[member] = value

    assert read_token_info(json.dumps(record).encode()) is None


@given(st.binary(max_size=60))
def test_no_bytes_whatsoever_raise(data: bytes) -> None:
    read_token_info(data)


def test_members_of_a_later_version_are_let_be() -> None:
    record = json.loads(write_token_info(PLAIN)) | {"later": {"a": 1}}

    assert read_token_info(json.dumps(record).encode()) == PLAIN


def test_facts_share_what_they_have_in_common() -> None:
    one, other = (
        read_token_info(write_token_info(PLAIN).encode()),
        read_token_info(write_token_info(PLAIN).encode()),
    )
    assert one is not None
    assert other is not None
    assert one.scopes is other.scopes
    assert one.client is other.client is one.subject
    assert one.grant is other.grant
    assert one.extra is other.cnf


TIMES = ',"iat":7,"exp":8'


@pytest.mark.parametrize(
    "record",
    [
        '{"client":"a"' + TIMES + "}",
        '{"client":"a"' + TIMES + TIMES + "}",
        '{"client":"a"' + TIMES + ',"iat":9}',
        '{"client":"a"' + TIMES + ',"exp":0}',
        '{"client":"a"' + TIMES + ',"iat":"9"}',
        '{"client":"a"' + TIMES + ',"sub":",\\"iat\\":1,\\"exp\\":2"}',
        '{"client":"a","sub":",\\"iat\\":1,\\"exp\\":2"' + TIMES + "}",
        '{"client":"a","extra":{"b":"c"' + TIMES + "}}",
        '{"client":"a","extra":{"b":"c"' + TIMES + '},"iat":1,"exp":2}',
        '{"client":"a","iat":07,"exp":8}',
        '{"client":"a","iat":7,"exp":8.5}',
        '{"client":"a","iat":7,"exp":8e9}',
        '{"client":"a","iat":-7,"exp":8}',
        '{"client":"a","iat":0,"exp":8}',
        '{"client":"a","exp":8,"iat":7}',
        '{"client":"a","iat":7}',
        '{"iat":7,"exp":8,"client":"a"}',
        '{"client":"' + "a" * 600 + '"' + TIMES + "}",
        TIMES,
        '{"client":"a"' + TIMES,
    ],
)
def test_token_records_that_differ_in_their_times_alone_are_read_as_each_would_be(record: str) -> None:
    for times in (TIMES, ',"iat":1700000000,"exp":1700003600', ',"iat":1700000001,"exp":1700003600'):
        data = record.replace(TIMES, times).encode()
        try:
            wanted = json.loads(data)
            stands = isinstance(wanted, dict) and type(wanted["iat"]) is type(wanted["exp"]) is int
        except (ValueError, KeyError):
            stands = False
        read = read_token_info(data)
        good = stands and "client" in wanted and all(type(v) is str for v in wanted.get("extra", {}).values())
        assert (None if read is None else (read.client, read.subject, read.issued, read.expires)) == (
            (wanted["client"], wanted.get("sub", ""), wanted["iat"], wanted["exp"]) if good else None
        )

"""What h2load says, read; and what is measured of HTTP/2, forward authentication and gRPC."""

from __future__ import annotations

import pytest

from benchmarks.grpc_load import framed
from benchmarks.h2load import read
from benchmarks.protocols import ASKED, PROXIED, ROWS

SAID = """Application protocol: http/1.1

finished in 1.09s, 4.00 req/s, 71.45KB/s
requests: 6 total, 7 started, 6 done, 5 succeeded, 2 failed, 1 errored, 0 timeout
status codes: 5 2xx, 0 3xx, 1 4xx, 0 5xx
                     min         max         mean         sd        +/- sd
time for request:      345us    241.53ms      1.46ms     11.18ms    99.16%
"""
LOGGED = [f"179595934878057{number}\t200\t{1000 * (number + 1)}" for number in range(5)]


def test_h2load_is_read_with_the_time_of_each_request() -> None:
    outcome = read(SAID, [*LOGGED, "1795959348784448\t401\t10"])
    assert outcome.requests == 5
    assert outcome.seconds == pytest.approx(1.5)
    assert outcome.p50 == pytest.approx(0.003)
    assert outcome.p99 == pytest.approx(0.005)
    assert outcome.wrong == {"status": 1, "errored": 1}


def test_what_h2load_says_else_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="h2load said: no"):
        read("no", [])
    with pytest.raises(RuntimeError, match="not one answer"):
        read(SAID, [])


def test_messages_of_grpc_have_their_length_before_them() -> None:
    assert framed(b"abc") == b"\0\0\0\0\x03abc"


def test_rows_of_protocols_are_compared_with_one_of_their_own_or_of_another_row() -> None:
    by_name = {row.case.name: row.case for row in ROWS}
    assert len(by_name) == len(ROWS)
    for case in by_name.values():
        assert case.base in by_name[case.base_case or case.name].contenders
    assert by_name[ASKED].base_case == PROXIED

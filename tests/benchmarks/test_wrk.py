from pathlib import Path

import pytest

from benchmarks.load import Load
from benchmarks.wrk import read, script

SAID = """Running 3s test @ http://127.0.0.1:1/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.26ms    1.05ms  14.91ms   88.10%
    Req/Sec    18.93k     1.07k   20.51k    73.33%
  Latency Distribution
     50%    3.20ms
     75%    3.65ms
     90%  950.00us
     99%    1.25s
  56495 requests in 3.00s, 18.48MB read
"""
ERRORS = "  Socket errors: connect 1, read 20, write 3, timeout 4\n  Non-2xx or 3xx responses: 7\n"


def test_it_is_read_in_seconds() -> None:
    outcome = read(SAID)
    assert (outcome.requests, outcome.seconds) == (56_495, 3.0)
    assert (outcome.p50, outcome.p99) == (pytest.approx(0.0032), 1.25)
    assert outcome.rate == pytest.approx(56_495 / 3)
    assert outcome.wrong == {}


def test_whatever_went_wrong_is_counted_by_its_kind() -> None:
    assert read(SAID + ERRORS).wrong == {"status": 7, "connect": 1, "read": 20, "write": 3, "time-out": 4}


def test_with_a_connection_each_the_end_of_one_is_no_error() -> None:
    assert "read" not in read(SAID + ERRORS, close=True).wrong


def test_where_all_should_be_refused_the_others_are_wrong() -> None:
    assert read(SAID + "  Non-2xx or 3xx responses: 56493\n", refused=True).wrong == {"status": 2}
    assert read(SAID, refused=True).wrong == {"status": 56_495}


def test_words_that_are_no_result_are_shown() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        read("unable to connect to 127.0.0.1:1 Connection refused")


def test_the_script_says_what_to_send() -> None:
    text = script(Load("http://127.0.0.1:1/up", ("A: 1: 2",), "POST", 10, close=True))
    assert 'wrk.method = "POST"' in text
    assert 'wrk.headers["A"] = "1: 2"' in text
    assert 'wrk.headers["Connection"] = "close"' in text
    assert 'wrk.body = string.rep("x", 10)' in text
    assert "function response" not in text


def test_tokens_are_taken_in_turn_or_drawn() -> None:
    in_turn = Load("http://127.0.0.1:1/", tokens=Path("kept"), first=9)
    drawn = Load("http://127.0.0.1:1/", tokens=Path("kept"), at_random=True)
    assert "requests, last = {}, 9\nfunction init(args)" in script(in_turn)
    assert 'io.lines("kept")' in script(in_turn)
    assert "math.random(#requests)" in script(drawn)
    assert "math.random(#requests)" not in script(in_turn)

"""A line of the access log fits into one write, whatever is in it."""

import itertools
import json

import pytest

from gateway.process.access_log_format import (
    LINES,
    MAX_CACHED,
    Line,
    detailed_line,
    fit_line,
    json_line,
    pack,
)
from gateway.process.line_writer import LINE_LIMIT
from gateway.telemetry.access_entry import DetailedEntry, Details, Entry

USUAL: Entry = ("192.0.2.7", "GET", b"/orders/1", 200, 120, 0.0042, "/orders", "demo", "r-1")
ENDLESS: Entry = ("a" * 9000, "G" * 9000, b"\xff" * 9000, 200, 1, 0.1, "r" * 9000, "c" * 9000, "i" * 9000)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_usual_line_is_whole(line: Line) -> None:
    assert fit_line(line, "t", USUAL) == line("t", USUAL)
    assert b"/orders/1" in line("t", USUAL)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_an_endless_one_is_cut_and_says_so(line: Line) -> None:
    cut = fit_line(line, "t", ENDLESS)
    assert len(cut) <= LINE_LIMIT
    assert cut.endswith(b"\n")
    assert cut.count(b"...") == 6


@pytest.mark.parametrize("most", [1, 5, 6, 7, 12, 100])
def test_lines_go_together_as_far_as_a_piece_goes(most: int) -> None:
    lines = [b"%d%s\n" % (number, b"x" * (number % 5)) for number in range(9)]
    pieces = pack(lines, most)
    assert b"".join(pieces) == b"".join(lines)
    assert all(piece.endswith(b"\n") and (len(piece) <= most or piece.count(b"\n") == 1) for piece in pieces)
    for one, other in itertools.pairwise(pieces):
        assert len(one) + other.index(b"\n") + 1 > most, "the next line would have gone with it"
    assert pack([], most) == []


def test_names_that_come_again_are_written_the_same() -> None:
    line = LINES["json"]
    address, method, path, *rest, route, client, request_id = USUAL
    for changed in (path, b"/orders/2", b"/" + b"7" * MAX_CACHED, path):
        for caller in (client, "other"):
            entry: Entry = (address, method, changed, *rest, route, caller, request_id)  # type: ignore[assignment]  # in order
            for _ in range(2):
                told = json.loads(line("t", entry))
                assert (told["path"].encode(), told["client"], told["method"]) == (changed, caller, method)


@pytest.mark.parametrize("request_id", ["r1", "r-1", 'a"b', "a\\b", "a\nb", "é", "\ud800", "", "٣"])
def test_whatever_a_plugin_makes_the_request_id_a_line_is_json(request_id: str) -> None:
    made = LINES["json"]("t", (*USUAL[:-1], request_id))
    assert json.loads(made)["request_id"] == request_id
    assert made.count(b"\n") == 1


@pytest.mark.parametrize(
    "details",
    [
        (),
        (("grant", "client_credentials"),),
        (("grant", "ä" * 100),),
        (("grant", "a"), ("error", 'x"')),
        (("a", 1.0),),
        (("a", 1),),
        (("a", None),),
    ],
)
def test_further_members_stand_at_the_end_of_a_line(details: Details) -> None:
    lines = [detailed_line("json", "t", DetailedEntry(USUAL, details)) for _ in range(2)]
    assert lines[0] == lines[1]
    start = json_line("t", USUAL).decode().removesuffix("}\n")
    assert lines[0].decode().startswith(start)
    assert (
        lines[0].decode().removeprefix(start)
        == "".join([f', "{name}": {json.dumps(value)}' for name, value in details]) + "}\n"
    )

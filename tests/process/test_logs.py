"""One event is one line, and nothing in it can do harm to who reads it."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from gateway.process.logs import Format, JsonLines, TextLines, printable, quoted, set_up_logs

EVIL = "a\r\nFAKE line\x1b[31m\x9b2J\u2028\u202egnp\x00\x7f\ud800"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(logging.NOTSET)
    logging.captureWarnings(False)


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("gateway.test").makeRecord(
        "gateway.test", logging.WARNING, __file__, 1, message, args, None, extra=extra
    )


def failed() -> logging.LogRecord:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        result = record("it failed")
        result.exc_info = sys.exc_info()
        return result


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
@pytest.mark.parametrize("made", [record(EVIL), record("%s", EVIL), record("m", value=EVIL), failed()])
def test_every_record_is_one_line_of_printable_text(
    formatter: logging.Formatter, made: logging.LogRecord
) -> None:
    line = formatter.format(made)
    assert len(line.splitlines()) == 1
    assert line.isprintable()


def test_json_lines_give_the_values_back_unchanged() -> None:
    line = json.loads(JsonLines().format(record("hello %s", EVIL, path=EVIL)))
    assert line["message"] == f"hello {EVIL}"
    assert line["path"] == EVIL
    assert (line["level"], line["logger"]) == ("warning", "gateway.test")
    assert line["time"].endswith("Z")


def test_json_lines_keep_a_traceback_as_one_value() -> None:
    assert "second" in json.loads(JsonLines().format(failed()))["traceback"]


def test_text_lines_can_be_read_by_a_person() -> None:
    line = TextLines().format(record("upstream is slow", upstream="orders", server="a b"))
    assert line.endswith('warning gateway.test: upstream is slow upstream=orders server="a b"')


@pytest.mark.parametrize(
    ("value", "shown"),
    [("plain", "plain"), ("", '""'), ("a b", '"a b"'), ("a=b", '"a=b"'), ('"', '"\\""'), ("é", "é")],
)
def test_values_of_text_lines_are_quoted_where_they_would_run_on(value: str, shown: str) -> None:
    assert quoted(value) == shown


def test_printable_leaves_letters_of_any_script_alone() -> None:
    assert printable("żółw 亀 🐢") == "żółw 亀 🐢"


@pytest.mark.parametrize("style", ["json", "text"])
def test_set_up_sends_lines_from_the_level_on_to_standard_error(
    style: Format, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up_logs("warning", style)
    logging.getLogger("gateway.test").info("too little")
    logging.getLogger("gateway.test").error("enough")

    captured = capfd.readouterr()

    assert captured.out == ""
    assert "enough" in captured.err
    assert "too little" not in captured.err


def test_setting_up_again_replaces_and_does_not_double(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "json")
    set_up_logs("info", "text")
    logging.getLogger("gateway.test").info("once")
    assert capfd.readouterr().err.count("once") == 1

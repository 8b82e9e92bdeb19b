"""`gatepost diff`: two files, in words and as JSON."""

from pathlib import Path

import pytest

from tests.commands.conftest import gatepost, said, shown

pytestmark = pytest.mark.usefixtures("file")


@pytest.fixture
def new(file: Path) -> Path:
    """The same, with a scope that the client lacks."""
    path = file.with_name("new.yaml")
    path.write_text(file.read_text().replace("orders, scopes: [orders.read]", "orders, scopes: [admin]"))
    return path


def test_two_files_are_compared_without_a_network(file: Path, new: Path) -> None:
    result = gatepost("diff", str(file), str(new))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "demo may no longer call GET /orders",
        'route GET /orders: scopes ["orders.read"] -> ["admin"]',
    ]


def test_the_same_as_json(file: Path, new: Path) -> None:
    found = shown("diff", str(file), str(new), "--json")
    assert found["access"] == [{"caller": "demo", "gained": [], "lost": ["GET /orders"]}]
    assert [key["key"] for key in found["keys"]] == ["scopes"]


def test_equal_files_have_no_difference(file: Path) -> None:
    assert gatepost("diff", str(file), str(file)).stdout == "no difference\n"


@pytest.mark.parametrize("words", [(), ("gateway.yaml",), ("a", "b", "c"), ("--running", "a", "b")])
def test_two_files_or_the_running_gateway_are_needed(words: tuple[str, ...]) -> None:
    result = gatepost("diff", *words)
    assert result.exit_code == 2
    assert "name two files, or --running" in result.stderr


def test_a_file_with_a_problem_is_refused_with_its_line(file: Path) -> None:
    broken = file.with_name("broken.yaml")
    broken.write_text("routs: []\n")
    assert "broken.yaml:1:1: routs: unknown key" in said("diff", str(file), str(broken), code=2)


def test_without_a_management_listener_nothing_running_can_be_asked(file: Path) -> None:
    file.write_text(file.read_text() + "management: false\n")
    assert "management is false" in said("diff", "--running")

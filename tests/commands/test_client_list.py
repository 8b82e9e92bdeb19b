"""`gatepost client list`."""

import pytest

from tests.commands.conftest import gatepost, shown

pytestmark = pytest.mark.usefixtures("file")


def test_the_list_is_a_table_with_pages() -> None:
    for number in range(4):
        shown("client", "create", "--id", f"c{number}", "--name", "x" * 60, "--scope", "a")
    first = gatepost("client", "list", "--limit", "2")
    heading, *rows = first.stdout.splitlines()
    assert heading.split()[:2] == ["CLIENT", "ID"]
    assert [row.split()[0] for row in rows] == ["c0", "c1"]
    assert "…" in rows[0]
    assert first.stderr == "3 more: gatepost client list --after c1\n"
    rest = gatepost("client", "list", "--after", "c1")
    assert [row.split()[0] for row in rest.stdout.splitlines()[1:]] == ["c2", "c3", "demo"]
    assert rest.stderr == ""
    assert [one["client_id"] for one in shown("client", "list", "--json", "--limit", "1")] == ["c0"]
    assert len(shown("client", "list", "--json")) == 5

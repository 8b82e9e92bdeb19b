"""Items go out of lists, and everything else in the file stays as it was written."""

import pytest
import yaml

from gateway.config.problems import KeyPath
from gateway.config.yaml_edits import list_length, without_items

TEXT = """\
# at the top
routes:
  # orders
  - path: /orders   # a comment
    scopes: [a, b, c]
    text: |
      several
      lines

  - {path: /legacy, upstream: x}

  # the last
  - path: /open
    methods:
      - GET
      - HEAD
clients: [{id: one, scopes: [a]}, {id: two}]
end: 1
"""


@pytest.mark.parametrize(
    ("paths", "gone", "kept"),
    [
        ([("routes", 1)], ["/legacy"], ["# orders", "# a comment", "# the last", "/open", "several"]),
        ([("routes", 0)], ["# a comment", "several"], ["/legacy", "/open", "# at the top"]),
        ([("routes", 2)], ["/open", "HEAD"], ["end: 1", "id: one"]),
        ([("routes", 0, "scopes", 1)], ["b, c"], ["scopes: [a, c]", "# a comment"]),
        ([("routes", 2, "methods", 0)], ["- GET"], ["- HEAD"]),
        ([("clients", 1)], ["two"], ["clients: [{id: one, scopes: [a]}]"]),
        ([("clients", 0, "scopes", 0)], ["scopes: [a]}"], ["scopes: []"]),
        ([("routes", 0), ("routes", 2)], ["/orders", "/open"], ["/legacy"]),
    ],
)
def test_items_are_taken_out(paths: list[KeyPath], gone: list[str], kept: list[str]) -> None:
    text = without_items(TEXT, paths)
    assert not [one for one in gone if one in text]
    assert not [one for one in kept if one not in text]
    before, after = yaml.safe_load(TEXT), yaml.safe_load(text)
    for path in sorted(paths, reverse=True):
        holder = before
        for part in path[:-1]:
            holder = holder[part]
        del holder[path[-1]]
    assert after == before


def test_a_list_that_loses_all_is_empty() -> None:
    assert yaml.safe_load(without_items(TEXT, [("routes", n) for n in range(3)]))["routes"] == []
    methods: list[KeyPath] = [("routes", 2, "methods", n) for n in range(2)]
    assert yaml.safe_load(without_items(TEXT, methods))["routes"][2]["methods"] == []


def test_what_is_not_there_changes_nothing() -> None:
    assert without_items(TEXT, [("nothing", 0), ("end", 0), ("routes", 9, "x", 0)]) == TEXT
    assert (list_length(TEXT, ("routes",)), list_length(TEXT, ("no",)), list_length("", ("a",))) == (3, 0, 0)

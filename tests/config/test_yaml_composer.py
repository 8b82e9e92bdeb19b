from textwrap import dedent

import pytest
import yaml

from gateway.config import yaml_composer as module
from gateway.config.partial_model import PartialModel
from gateway.config.problems import Place
from gateway.config.tree import MapNode, Node, find
from gateway.config.yaml_composer import compose


def tree(text: str) -> Node:
    root, issues = compose(dedent(text))
    assert issues == []
    assert root is not None
    return root


def plain(text: str) -> object:
    return PartialModel().plain(tree(text), ())


def issues(text: str) -> list[tuple[Place, str]]:
    return [(issue.place, issue.text) for issue in compose(dedent(text))[1]]


def test_values_are_what_pyyaml_makes_of_them() -> None:
    assert plain("{a: 1, b: 0x10, c: 1.5, d: yes, e: ~, f: text, g: '1', h: 1:30, i: [], j: {}}") == {
        "a": 1, "b": 16, "c": 1.5, "d": True, "e": None, "f": "text", "g": "1", "h": 90, "i": [], "j": {},
    }  # fmt: skip


def test_keys_are_text_as_written() -> None:
    assert plain("{on: 1, 12: 2, null: 3}") == {"on": 1, "12": 2, "null": 3}


def test_every_node_knows_its_place() -> None:
    root = tree(
        """\
        routes:
          - path: /a
            scopes: [x,
              y]
        """
    )
    places = {
        path: find(root, path).place  # type: ignore[union-attr]  # a wrong path fails the test
        for path in [("routes",), ("routes", 0), ("routes", 0, "scopes", 1)]
    }
    assert places == {
        ("routes",): Place(2, 3),
        ("routes", 0): Place(2, 5),
        ("routes", 0, "scopes", 1): Place(4, 7),
    }
    assert isinstance(root, MapNode)
    assert root.entries["routes"].place == Place(1, 1)


def test_columns_count_characters() -> None:
    root = tree("{é: [ü, x]}")
    assert find(root, ("é", 1)).place == Place(1, 9)  # type: ignore[union-attr]  # as above


def test_aliases_stand_for_their_anchors_and_merge_keys_give_way() -> None:
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [{y: 4}, *a]}"
    assert plain(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 3},
        "d": {"x": 1, "y": 4},
    }


def test_a_key_that_stands_twice_is_reported_with_its_first_line() -> None:
    assert issues("a: 1\nb: {c: 1, c: 2}\na: 3\n") == [
        (Place(2, 11), "duplicate key (the first is on line 2)"),
        (Place(3, 1), "duplicate key (the first is on line 1)"),
    ]


def test_all_that_can_still_be_read_is_read() -> None:
    root, found = compose("a: !!binary eA==\nb: !!int x\n? [c]\n: 1\nd: 1\n<<: 5\n")
    assert [issue.text for issue in found] == [
        "this YAML tag is not supported",
        "is not a YAML int",
        "a key must be plain text",
        "takes a mapping, or a list of mappings",
    ]
    assert root is not None
    assert PartialModel().plain(root, ()) == {"d": 1}


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("", Place(1, 1), "the file is empty"),
        ("# only\n", Place(1, 1), "the file is empty"),
        ("a: b: c", Place(1, 5), "is not YAML"),
        ("server:\n\tworkers: 2", Place(2, 1), "a tab stands here, and only spaces may indent"),
        ("a: [1,\nb: 2\n", Place(3, 1), "that begins on line 1"),
        ("a: [1,\nb: 2", Place(2, 5), "that begins on line 1"),
        ("a: 1\nb: \x01", Place(2, 4), "character that YAML does not allow"),
        ("a: 1\n---\nb: 1", Place(2, 1), "second document"),
        ("a: *secret", Place(1, 4), "needs quotes"),
        ("a: &a [*a]", Place(1, 8), "recursive YAML alias"),
        ("a: [${X}]", Place(1, 6), "needs quotes"),
    ],
)
def test_what_can_not_be_read_is_reported_with_its_place(text: str, place: Place, reason: str) -> None:
    root, found = compose(text)
    assert root is None
    assert found[-1].place == place
    assert reason in found[-1].text


def test_an_undefined_alias_is_not_repeated_for_it_may_be_a_secret() -> None:
    assert "hunter2" not in compose("a: *hunter2")[1][0].text


@pytest.mark.parametrize("parser", [module.Loader, yaml.SafeLoader], ids=["libyaml", "python"])
@pytest.mark.parametrize("open_bracket", ["[", "- ", "? ", "{a: ", "a:\n"])
def test_deep_nesting_is_refused_before_it_costs_anything(
    open_bracket: str, parser: type[yaml.SafeLoader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Loader", parser)
    if open_bracket == "a:\n":
        text = "".join(" " * depth + open_bracket for depth in range(500))
    else:
        text = open_bracket * 100_000
    assert issues(text)[-1][1] == "is nested too deeply"


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "the aliases stand for more than" in issues("\n".join(lines))[0][1]


def test_a_long_number_is_text() -> None:
    assert plain(f"a: {'9' * 100_000}") == {"a": "9" * 100_000}


def test_pyyaml_without_its_c_part_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &a {x: [1, 'two', ~]}\nb: {<<: *a}\n"
    fast = compose(text)
    monkeypatch.setattr(module, "Loader", yaml.SafeLoader)
    assert compose(text) == fast
    assert compose("a: b: c")[1][0].place == Place(1, 5)

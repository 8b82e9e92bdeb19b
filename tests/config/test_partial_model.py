"""What a model gets of a tree with faulty parts, and where a value of the outcome stands in the file."""

from gateway.config.partial_model import PartialModel, prefixes, without
from gateway.config.tree import Leaf, MapNode, Node
from gateway.config.yaml_composer import compose

TEXT = """\
a:
  b: [zero, one, two, three]
  c: {x: 1, y: 2}
d: 4
"""


def tree() -> MapNode:
    node, issues = compose(TEXT)
    assert isinstance(node, MapNode)
    assert not issues
    return node


def leaf(node: Node) -> Leaf:
    assert isinstance(node, Leaf)
    return node


def test_a_sound_tree_is_its_plain_values() -> None:
    plain = {"a": {"b": ["zero", "one", "two", "three"], "c": {"x": 1, "y": 2}}, "d": 4}
    assert PartialModel().plain(tree(), ()) == plain


def test_what_is_faulty_or_taken_is_left_out_and_the_rest_stays() -> None:
    partial = PartialModel()
    partial.remove(("a", "c", "x"))
    partial.claimed.add(("d",))
    assert partial.plain(tree(), ()) == {"a": {"b": ["zero", "one", "two", "three"], "c": {"y": 2}}}


def test_a_broken_leaf_is_left_out_of_itself() -> None:
    root, partial = tree(), PartialModel()
    leaf(root.entries["d"].node).broken = True
    assert "d" not in partial.plain(root, ())
    assert ("d",) in partial.removed


def test_values_are_replaced_and_added() -> None:
    partial = PartialModel()
    partial.replaced["d",] = "other"
    partial.added["a", "c"] = {"y": 3, "z": 4}
    plain = partial.plain(tree(), ())
    assert (plain["d"], plain["a"]["c"]) == ("other", {"x": 1, "y": 3, "z": 4})


def test_items_behind_a_faulty_one_are_found_where_they_stand_in_the_file() -> None:
    root, partial = tree(), PartialModel()
    partial.remove(("a", "b", 0))
    partial.remove(("a", "b", 2))
    assert partial.plain(root, ())["a"]["b"] == ["one", "three"]
    assert partial.origin(("a", "b", 0)) == ("a", "b", 1)
    assert partial.origin(("a", "b", 1)) == ("a", "b", 3)
    assert partial.origin(("a", "c", "x")) == ("a", "c", "x")
    assert partial.locate(root.entries["a"].node, ("a",), ("b", 1)) == ("a", "b", 3)


def test_a_list_that_is_whole_again_has_its_own_positions() -> None:
    root, partial = tree(), PartialModel()
    partial.remove(("a", "b", 0))
    partial.plain(root, ())
    partial.removed.clear()
    partial.plain(root, ())
    assert partial.origin(("a", "b", 0)) == ("a", "b", 0)


def test_what_is_no_key_of_the_file_is_passed_over() -> None:
    found = PartialModel().locate(tree().entries["a"].node, ("a",), ("c", "Window", "x", "constrained-int"))
    assert found == ("a", "c", "x")
    assert PartialModel().locate(tree(), (), ("nothing", "d")) == ("d",)


def test_a_path_is_affected_by_what_is_missing_above_at_and_beneath_it() -> None:
    partial = PartialModel()
    partial.remove(("a", "c"))
    for path in [(), ("a",), ("a", "c"), ("a", "c", "x")]:
        assert partial.affects(path), path
    assert not partial.affects(("a", "b"))
    assert not partial.affects(("d",))
    assert partial.has_removed_parts(("a",))
    assert not partial.has_removed_parts(("a", "c", "x"))


def test_prefixes_begin_at_the_root_and_end_with_the_path() -> None:
    assert list(prefixes(("a", 0))) == [(), ("a",), ("a", 0)]


def test_a_mapping_without_some_keys_stays_in_its_place() -> None:
    root = tree()
    rest = without(root, ("a", "nothing"))
    assert (set(rest.entries), rest.place) == ({"d"}, root.place)
    assert set(root.entries) == {"a", "d"}

"""What a model gets of a tree with faulty parts, and where a value of the outcome stands in the file."""

from gateway.config.compose import compose
from gateway.config.draft import Draft, prefixes, without
from gateway.config.tree import Leaf, MapNode, Node

TEXT = """\
a:
  b: [zero, one, two, three]
  c: {x: 1, y: 2}
d: 4
"""


def tree() -> MapNode:
    node, faults = compose(TEXT)
    assert isinstance(node, MapNode)
    assert not faults
    return node


def leaf(node: Node) -> Leaf:
    assert isinstance(node, Leaf)
    return node


def test_a_sound_tree_is_its_plain_values() -> None:
    plain = {"a": {"b": ["zero", "one", "two", "three"], "c": {"x": 1, "y": 2}}, "d": 4}
    assert Draft().plain(tree(), ()) == plain


def test_what_is_faulty_or_taken_is_left_out_and_the_rest_stays() -> None:
    draft = Draft()
    draft.remove(("a", "c", "x"))
    draft.taken.add(("d",))
    assert draft.plain(tree(), ()) == {"a": {"b": ["zero", "one", "two", "three"], "c": {"y": 2}}}


def test_a_broken_leaf_is_left_out_of_itself() -> None:
    root, draft = tree(), Draft()
    leaf(root.entries["d"].node).broken = True
    assert "d" not in draft.plain(root, ())
    assert ("d",) in draft.removed


def test_values_are_replaced_and_added() -> None:
    draft = Draft()
    draft.replaced["d",] = "other"
    draft.added["a", "c"] = {"y": 3, "z": 4}
    plain = draft.plain(tree(), ())
    assert (plain["d"], plain["a"]["c"]) == ("other", {"x": 1, "y": 3, "z": 4})


def test_items_behind_a_faulty_one_are_found_where_they_stand_in_the_file() -> None:
    root, draft = tree(), Draft()
    draft.remove(("a", "b", 0))
    draft.remove(("a", "b", 2))
    assert draft.plain(root, ())["a"]["b"] == ["one", "three"]
    assert draft.origin(("a", "b", 0)) == ("a", "b", 1)
    assert draft.origin(("a", "b", 1)) == ("a", "b", 3)
    assert draft.origin(("a", "c", "x")) == ("a", "c", "x")
    assert draft.locate(root.entries["a"].node, ("a",), ("b", 1)) == ("a", "b", 3)


def test_a_list_that_is_whole_again_has_its_own_positions() -> None:
    root, draft = tree(), Draft()
    draft.remove(("a", "b", 0))
    draft.plain(root, ())
    draft.removed.clear()
    draft.plain(root, ())
    assert draft.origin(("a", "b", 0)) == ("a", "b", 0)


def test_what_is_no_key_of_the_file_is_passed_over() -> None:
    found = Draft().locate(tree().entries["a"].node, ("a",), ("c", "Window", "x", "constrained-int"))
    assert found == ("a", "c", "x")
    assert Draft().locate(tree(), (), ("nothing", "d")) == ("d",)


def test_a_path_is_affected_by_what_is_missing_above_at_and_beneath_it() -> None:
    draft = Draft()
    draft.remove(("a", "c"))
    for path in [(), ("a",), ("a", "c"), ("a", "c", "x")]:
        assert draft.affects(path), path
    assert not draft.affects(("a", "b"))
    assert not draft.affects(("d",))
    assert draft.lost_parts(("a",))
    assert not draft.lost_parts(("a", "c", "x"))


def test_prefixes_begin_at_the_root_and_end_with_the_path() -> None:
    assert list(prefixes(("a", 0))) == [(), ("a",), ("a", 0)]


def test_a_mapping_without_some_keys_stays_in_its_place() -> None:
    root = tree()
    rest = without(root, ("a", "nothing"))
    assert (set(rest.entries), rest.place) == ({"d"}, root.place)
    assert set(root.entries) == {"a", "d"}

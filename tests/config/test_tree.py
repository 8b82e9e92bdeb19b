from gateway.config.problems import Place
from gateway.config.tree import Leaf, Node, child, find, key_place, nearest
from gateway.config.yaml_composer import compose


def root() -> Node:
    tree, _ = compose("a:\n  - b: 1\n    c: [x]\n")
    assert tree is not None
    return tree


def test_a_node_is_found_by_its_path() -> None:
    assert find(root(), ("a", 0, "b")) == Leaf(Place(2, 8), 1)
    assert find(root(), ()) is not None


def test_what_is_not_there_is_not_found() -> None:
    for path in [("b",), ("a", 1), ("a", "0"), ("a", 0, "b", "c"), ("a", -1), (0,)]:
        assert find(root(), path) is None
    assert child(None, "a") is None


def test_the_nearest_node_is_the_longest_part_of_the_path_that_is_there() -> None:
    assert nearest(root(), ("a", 0, "d", 5)).place == Place(2, 5)
    assert nearest(root(), ("z",)).place == Place(1, 1)


def test_a_key_has_a_place_of_its_own_and_an_item_has_its_values() -> None:
    assert key_place(root(), ("a", 0, "c")) == Place(3, 5)
    assert key_place(root(), ("a", 0, "c", 0)) == Place(3, 9)
    assert key_place(root(), ()) == Place(1, 1)

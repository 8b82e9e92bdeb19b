"""Which node's view of the cluster is believed."""

from gateway.store.cluster_view import ClusterView, newest_view

A, B, C = ("a", 1), ("b", 1), ("c", 1)
OLD = ClusterView(True, 3, ((0, 99, A), (100, 16_383, B)))
NEW = ClusterView(True, 4, ((0, 99, C), (100, 16_383, B)))


def test_the_newest_configuration_counts() -> None:
    assert newest_view([]) is None
    assert newest_view([OLD, NEW, OLD]) == NEW
    assert NEW.masters == {B, C}


def test_of_the_same_configuration_what_most_nodes_say_counts() -> None:
    other = ClusterView(True, 4, ((0, 99, A), (100, 16_383, B)))
    assert newest_view([other, NEW, NEW]) == NEW


def test_a_node_without_the_majority_counts_only_where_no_other_answers() -> None:
    cut_off = ClusterView(False, 9, OLD.slots)
    assert newest_view([cut_off, OLD]) == OLD
    assert newest_view([cut_off]) == cut_off

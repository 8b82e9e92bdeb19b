"""What Envoy says of itself."""

from pathlib import Path

from gateway.edge.admin import EnvoyStatus, envoy_status, read_status

SAID = """cluster_manager.cds.version_text: "3"
listener_manager.lds.version_text: "3"
cluster_manager.cds.update_rejected: 1
http.edge.downstream_rq_active: 4
listener_manager.lds.update_rejected: 2
listener_manager.total_listeners_active: 2
listener_manager.total_listeners_warming: 1
"""


def test_the_edges_status_is_read() -> None:
    assert read_status(SAID) == EnvoyStatus(frozenset({"3"}), 3, 2, 1, 4)


def test_an_edge_that_has_not_begun_has_no_status() -> None:
    assert read_status("") == EnvoyStatus(frozenset({""}), 0, 0, 0, 0)


def test_an_edge_that_does_not_answer_has_no_status(tmp_path: Path) -> None:
    assert envoy_status(tmp_path / "nobody.sock") is None

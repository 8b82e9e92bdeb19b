"""A gateway without HTTP/2 and HTTP/3 has no edge, and whoever asks it gets nothing."""

from __future__ import annotations

from gateway.config.model import Settings
from gateway.process.edge_process import EdgeProcess


def test_without_an_edge_there_is_nothing_to_listen_for_to_restart_or_to_tell() -> None:
    edge, settings = EdgeProcess(), Settings()
    assert not edge.running
    assert edge.listen(settings) is None
    assert edge.gauges() == {}
    edge.ensure()
    edge.begin_drain(settings)


def test_each_has_a_header_of_its_own() -> None:
    assert EdgeProcess().header != EdgeProcess().header

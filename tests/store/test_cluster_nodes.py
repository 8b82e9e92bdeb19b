"""Asking the nodes of a cluster of which some hang or are gone."""

from __future__ import annotations

from gateway.store import parse_address
from gateway.store.cluster_nodes import ClusterNodes
from gateway.store.cluster_view import newest_view
from tests.topologies import cluster_set


async def test_nodes_that_hang_or_are_gone_do_not_hide_what_the_others_say() -> None:
    with cluster_set(replicas=0) as servers:
        address = parse_address(servers.url)
        nodes = ClusterNodes(address, timeout=1.0)
        views, _ = await nodes.ask(address.hosts)
        view = newest_view(views)
        assert view is not None
        assert view.ok
        assert view.masters == {("127.0.0.1", master.port) for master in servers.masters}
        servers.masters[0].freeze()
        views, _ = await nodes.ask(view.masters)
        assert len(views) == 2
        servers.masters[1].kill()
        servers.masters[2].kill()
        views, problem = await nodes.ask(view.masters)
        assert views == []
        assert f"{servers.masters[1].host} can't be asked" in problem
        await nodes.close()

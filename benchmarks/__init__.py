"""What Gatepost costs, beside what its peers cost: the same load, the same upstream, one pinned core each."""

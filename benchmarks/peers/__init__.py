"""One file a peer: how it is set up to do what Gatepost does, and no more than it needs."""

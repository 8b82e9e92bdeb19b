"""The sample backend of `gatepost demo`."""

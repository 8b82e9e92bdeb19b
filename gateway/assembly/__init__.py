"""Builds the gateway's components from the configuration. Used by the composition root (`gateway.app`)."""

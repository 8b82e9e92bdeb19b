"""`gatepost xds`: the configuration for a fleet of Envoys, served live (xDS)."""

"""Turns the configuration into the values that the parts of the gateway work with."""

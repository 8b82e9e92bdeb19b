"""Tokens of other authorization servers: verified by their keys, or by introspection."""

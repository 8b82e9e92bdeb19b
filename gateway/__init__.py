"""Gatepost: an API gateway with its own OAuth 2 token server."""

__version__ = "0.1.0"

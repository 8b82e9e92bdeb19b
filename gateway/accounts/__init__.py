"""Clients, users and applications: lookup, authentication, changes and usage counters."""

"""Clients, users and applications: found, proven, changed, counted."""

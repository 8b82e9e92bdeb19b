"""Tokens: issued, recognised, remembered, bound, ended."""

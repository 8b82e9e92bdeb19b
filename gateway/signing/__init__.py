"""The keys that sign JWT access tokens: when each signs, where they lie, what a worker knows of them."""

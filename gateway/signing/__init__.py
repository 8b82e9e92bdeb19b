"""The keys that sign JWT access tokens: their rotation, their storage, and each worker's copy of them."""

"""Notices to the operator by a signed webhook: what is told, signed and sent again until it is taken."""

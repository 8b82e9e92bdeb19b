"""Access and refresh tokens: issued, validated, cached, sender-constrained, revoked."""

"""The ciphers and groups of all TLS listeners."""

from __future__ import annotations

TLS_1_2_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
"""Mozilla's intermediate configuration without finite-field Diffie-Hellman: forward secrecy and authenticated
encryption only (RFC 9325 section 4.2). TLS 1.3 has no other suites."""
GROUPS = ("X25519", "P-256", "P-384")
"""Those of Mozilla's intermediate configuration, best first."""

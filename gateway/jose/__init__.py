"""JSON Web Tokens, signatures and keys (RFC 7515 to 7519): rules over plain values, without I/O."""

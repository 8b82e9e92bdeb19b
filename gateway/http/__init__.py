"""HTTP messages without I/O: requests, responses, headers, framing and problem documents."""

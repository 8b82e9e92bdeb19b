"""Other token servers: what their tokens are worth here, and how that is found out."""

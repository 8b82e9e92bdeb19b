"""Client connections: sockets, limits and time-outs, and the hand-over to aiohttp."""

"""Programs in several languages that get a token and call an API, ready to be pasted and run."""

"""What the OAuth endpoints do, as ordered lists of named steps; free of HTTP."""

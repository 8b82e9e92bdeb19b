"""The Model Context Protocol as a guard sees it: messages, headers, tools and their scopes. No I/O."""

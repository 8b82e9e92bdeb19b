"""The configuration in the words of other programs."""

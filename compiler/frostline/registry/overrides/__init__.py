"""Overrides: how they are written, what they do to the registry, and what can be wrong with them."""

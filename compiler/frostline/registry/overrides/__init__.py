"""Overrides: their key in the configuration, what they do to the registry, and the findings about them."""

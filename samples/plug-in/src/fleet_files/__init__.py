"""A source, a check and an output for frostline."""

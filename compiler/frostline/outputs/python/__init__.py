"""The output `python`."""

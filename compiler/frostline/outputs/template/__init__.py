"""The output `template`."""

"""The output `page`."""

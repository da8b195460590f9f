"""The output `hiera`."""

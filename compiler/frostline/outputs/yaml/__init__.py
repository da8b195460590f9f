"""The output `yaml`."""

"""The check `schema`."""

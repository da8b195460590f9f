"""The check `policies`."""

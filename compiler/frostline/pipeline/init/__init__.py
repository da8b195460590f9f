"""`frostline init`: find what a configuration can start from, and write the first files."""

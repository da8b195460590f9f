"""Read frostline.yaml, and the files that it names, as settings."""

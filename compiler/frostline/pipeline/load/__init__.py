"""frostline.yaml and what it names, as settings."""

"""What is wrong with a registry: schemas, policies, waivers of both, and guards against large changes."""

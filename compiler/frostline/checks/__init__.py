"""Judges a registry: schemas, policies, waivers, and guards against large changes."""

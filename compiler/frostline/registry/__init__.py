"""Turns what the sources answered into one registry: selection, naming, assembling. Pure functions only."""

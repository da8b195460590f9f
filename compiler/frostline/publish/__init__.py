"""Replacing the published files, all or none."""

"""The source `consul`."""

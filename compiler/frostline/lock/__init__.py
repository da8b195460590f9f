"""The lock: its text format, its files, and merging several locks."""

"""The lock: its text, its files, and merging several."""

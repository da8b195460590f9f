"""From the live sources, or from files that other runs froze, to the lock that a run works from."""

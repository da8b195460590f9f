"""Make the lock that a run works from: from the live sources, or from files that other runs froze."""

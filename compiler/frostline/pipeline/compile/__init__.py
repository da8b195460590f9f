"""From the lock to all that publishing would do; it writes nothing."""

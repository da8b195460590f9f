"""Guards: frostline does not publish a change that looks like an accident until somebody consents."""

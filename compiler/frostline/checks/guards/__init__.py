"""Guards: what looks like an accident is not published until somebody consents."""

"""The registry as one output sees it: what it selects, with its own URL patterns, or as one consumer reaches it."""

"""The registry as one output sees it: what it selects, with URLs of its own, or as one consumer reaches it."""

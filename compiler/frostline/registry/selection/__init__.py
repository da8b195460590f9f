"""Selection: which instances of an answer are frozen, and what a changed selection takes of a lock."""

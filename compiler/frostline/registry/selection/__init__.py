"""Selection: which instances of an answer are frozen, and how a changed selection applies to an existing lock."""

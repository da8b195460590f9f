"""Find differences: between what is published and what the lock gives, between locks, and from what answers now."""

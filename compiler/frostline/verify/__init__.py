"""The consumers' own checkers, on copies of the new bytes: the one room that starts what a configuration names."""

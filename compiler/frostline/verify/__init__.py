"""Runs the consumers' own checkers on copies of the new bytes. Only this room starts programs."""

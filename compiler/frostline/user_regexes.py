"""The regular expressions of the configuration and of users' schemas, matched with a limit that is counted."""

from __future__ import annotations

from functools import lru_cache

from frostline import regexes
from frostline.errors import UsageError
from frostline.text import shorten


class UserRegex:
    """A compiled pattern in Python's syntax. re.error: it is none."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._text = pattern
        self._pattern = regexes.Pattern(pattern, flags)

    def fullmatch(self, text: str) -> regexes.Match | None:
        """The match of the whole text. UsageError: it takes too many steps."""
        try:
            return self._pattern.fullmatch(text)
        except regexes.TooManySteps:
            raise self._too_slow(text) from None

    def search(self, text: str) -> regexes.Match | None:
        """The leftmost match. UsageError: it takes too many steps."""
        try:
            return self._pattern.search(text)
        except regexes.TooManySteps:
            raise self._too_slow(text) from None

    def may_be_slow(self, text: str) -> bool:
        """Whether Python's own `re` may take long for this text."""
        return not self._pattern.is_cheap(text, 1)

    def _too_slow(self, text: str) -> UsageError:
        return UsageError(
            f"the pattern `{shorten(self._text)}` takes more than {regexes.MOST_STEPS} steps for `{shorten(text)}`",
            help="write it without references to groups and without look-around, or with fewer repetitions",
        )


@lru_cache(maxsize=256)
def compiled(pattern: str, flags: int = 0) -> UserRegex:
    """The compiled pattern, kept for the next time. re.error: it is none."""
    return UserRegex(pattern, flags)

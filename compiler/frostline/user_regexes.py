"""Regular expressions of the configuration and of users' schemas, matched with a limit on the number of steps."""

from __future__ import annotations

from functools import lru_cache

from frostline import regexes
from frostline.errors import UsageError
from frostline.text import shorten


class UserRegex:
    """A compiled regular expression in Python's syntax. Raises re.error if it is invalid or too large."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._text = pattern
        self._pattern = regexes.Pattern(pattern, flags)

    def fullmatch(self, text: str) -> regexes.Match | None:
        """Match the whole text. Raises UsageError if that takes too many steps."""
        try:
            return self._pattern.fullmatch(text)
        except regexes.TooManySteps:
            raise self._too_slow(text) from None

    def search(self, text: str) -> regexes.Match | None:
        """Find the leftmost match. Raises UsageError if that takes too many steps."""
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
            help="write it without back-references and look-around, or with fewer repetitions",
        )


@lru_cache(maxsize=256)
def compiled(pattern: str, flags: int = 0) -> UserRegex:
    """Compile a regular expression, with a cache. Raises re.error if it is invalid or too large."""
    return UserRegex(pattern, flags)

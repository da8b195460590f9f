"""Names of authentication schemes. Callers look up their credentials by such a name; the name is never a secret."""

from __future__ import annotations

import re

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
LONGEST = 64

NAME_HELP = (
    f"a name, such as hmac-2, has at most {LONGEST} letters, digits, `.`, `_` and `-`; "
    "programs have tokens and keys from their own environment"
)

_NAME = re.compile(NAME_PATTERN[1:-1])
# Signs of a token or a key: a UUID, or a long word that mixes letters and digits.
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONG_WORD = re.compile("[A-Za-z0-9]{20,}")


def fault_of_auth_name(text: str) -> str | None:
    """Return why this cannot name an authentication scheme, or None if it can.

    The result completes the sentence "the name of its authentication scheme …". It never quotes the text, which may be
    a secret.
    """
    if not _NAME.fullmatch(text) or len(text) > LONGEST:
        return "cannot be a name"
    if _UUID.search(text) or any(_is_mixed(word) for word in _LONG_WORD.findall(text)):
        return "looks like a token or a key"
    return None


def _is_mixed(word: str) -> bool:
    return not (word.isalpha() or word.isdigit())

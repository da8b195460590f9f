"""Keys (service, version) as people write them: `payments/v1`, or `payments` for all its versions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from frostline.globs import matches
from frostline.model import UNVERSIONED, Key, version_label
from frostline.text import UNPRINTABLE

_NOT_LITERAL = re.compile(rf"[*?\[,{UNPRINTABLE}]|\A[\s!]|\s\Z")


def key_text(key: Key) -> str:
    """Format a key as `payments/v1`, or `payments` if it has no version."""
    service, version = key
    return service if version is None else f"{service}/{version}"


def key_names(key: Key) -> tuple[str, str]:
    """Return the two names that a glob for this key may match: `payments`, and `payments/v1` or
    `payments/unversioned`."""
    service, version = key
    return service, f"{service}/{version_label(version)}"


def parse_key(text: str) -> Key:
    """Guess the key that a user means by a text that the registry does not know: the version follows the last slash."""
    service, _, version = text.rpartition("/")
    if not service:
        return Key(text, None)
    return Key(service, None if version == UNVERSIONED else version)


def matches_key(glob: str, key: Key) -> bool:
    """Whether the glob matches the service, or `service/version`: `payments/*` means payments in any version."""
    return any(matches((glob,), name) for name in key_names(key))


def includes_key(globs: Sequence[str], key: Key) -> bool:
    """Whether the last glob that matches the key (see `matches_key`) includes it; `!` excludes."""
    last = next((glob for glob in reversed(globs) if matches_key(glob.removeprefix("!"), key)), "!")
    return not last.startswith("!")


def glob_of(name: str) -> str:
    """Return a glob that fits this name and that a user can copy from a message into `--allow`.

    `?` replaces characters with a meaning in globs or in `--allow` (a comma), and unprintable ones.
    """
    return _NOT_LITERAL.sub("?", name)

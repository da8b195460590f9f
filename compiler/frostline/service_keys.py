"""How people write a (service, version): `payments/v1`, or `payments` for all its versions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from frostline.globs import matches
from frostline.model import UNVERSIONED, Key, version_label
from frostline.text import UNPRINTABLE

_NOT_LITERAL = re.compile(rf"[*?\[,{UNPRINTABLE}]|\A[\s!]|\s\Z")


def key_text(key: Key) -> str:
    """`payments/v1`; the service alone where it has no version."""
    service, version = key
    return service if version is None else f"{service}/{version}"


def key_names(key: Key) -> tuple[str, str]:
    """The names that globs of this key match: `payments`, and `payments/v1` or `payments/unversioned`."""
    service, version = key
    return service, f"{service}/{version_label(version)}"


def parse_key(text: str) -> Key:
    """The key that a user means by `text` if the registry does not know it: the version follows the last slash."""
    service, _, version = text.rpartition("/")
    if not service:
        return Key(text, None)
    return Key(service, None if version == UNVERSIONED else version)


def matches_key(glob: str, key: Key) -> bool:
    """Whether the glob matches the service, or `service/version`: `payments/*` means payments in any version."""
    return any(matches((glob,), name) for name in key_names(key))


def includes_key(globs: Sequence[str], key: Key) -> bool:
    """Whether the last of the globs that matches the key (see `matches_key`) includes it; `!` excludes."""
    last = next((glob for glob in reversed(globs) if matches_key(glob.removeprefix("!"), key)), "!")
    return not last.startswith("!")


def glob_of(name: str) -> str:
    """A glob that fits this name. `?` stands for what means something in a glob or ends a word of `--allow` (a comma),
    and for what nobody can copy from a message."""
    return _NOT_LITERAL.sub("?", name)

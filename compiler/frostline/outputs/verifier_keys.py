"""The keys `verify` and `verify_timeout` of every output: their JSON Schema and their reader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import positive_duration
from frostline.settings import Verifier
from frostline.text import closest

DEFINITIONS: Mapping[str, Any] = {
    "output_verify": {
        "description": (
            "A program and its arguments, which judges the new bytes before anything is replaced, such as "
            '[nginx, -t, -c, "{path}"]. It starts without a shell, in the folder of this file. {path} is a '
            "copy of the file, or of the folder, under its own name in a private folder; {root} is the root "
            "folder. Default: none."
        ),
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "string",
            "x-help": 'write each word as a string, in quotes where it has braces: "{path}"; numbers too: "5"',
        },
        "x-expected": 'a list of words, such as [nginx, -t, -c, "{path}"]',
        "x-help": "no shell reads it: write each word as an item of a list",
    },
    "output_verify_timeout": {
        "description": (
            "How long `verify` may take. After that, frostline ends the program and all that it started, and the "
            "program has failed."
        ),
        **ref("duration"),
        "default": "60s",
    },
}

PLACEHOLDERS = ("path", "root")
# `${name}` belongs to the shell; `{ name }`, `{1}` and `{print $1}` belong to awk and other programs.
_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z_]+)\}")


def verifier_of(cursor: Cursor) -> Verifier | None:
    """The verifier of the output at `cursor`; None without one, or after it was refused."""
    fields = cursor.present(verify=_words, verify_timeout=positive_duration)
    written, timeout = cursor.get("verify"), cursor.get("verify_timeout")
    if timeout is not None and "verify" not in cursor.value:
        timeout.refuse("`verify_timeout` needs `verify`", "name the program that verifies this output, or remove it")
    if written is None or "verify" not in fields:
        return None
    given = {"timeout": fields["verify_timeout"]} if "verify_timeout" in fields else {}
    return Verifier(words=fields["verify"], origin=written.origin, **given)


def _words(cursor: Cursor) -> tuple[str, ...] | None:
    items = cursor.items()
    is_usable = len(items) == len(cursor.value)  # an item that is no word is refused already
    if items and not items[0].value.strip():
        items[0].refuse("`verify` names no program: its first word is empty", "write the program's name or its path")
        is_usable = False
    for item in items:
        is_usable = _is_word(item) and is_usable
    return tuple(item.value for item in items) if is_usable else None


def _is_word(cursor: Cursor) -> bool:
    """Whether it can be the word of a program, with known placeholders only; refuses any other."""
    if "\0" in cursor.value:
        cursor.refuse("an item of `verify` has a NUL in it, which no program can be given", "remove it")
        return False
    unknown = [found[1] for found in _PLACEHOLDER.finditer(cursor.value) if found[1] not in PLACEHOLDERS]
    for name in unknown:
        near = closest(name, PLACEHOLDERS)
        literally = f"{{path}} and {{root}} are known; for the braces themselves write `{{ {name} }}`, or use a script"
        hint = f"did you mean {{{near}}}?" if near else literally
        cursor.refuse(f"`verify` has an unknown placeholder {{{name}}}", hint)
    return not unknown

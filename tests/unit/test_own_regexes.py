"""Regular expressions of Python's own `re` mean the same on every Python that frostline runs on."""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import frostline

_ONE_CHARACTER = {kinds.LITERAL, kinds.NOT_LITERAL, kinds.IN, kinds.ANY}


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """(module and name, pattern) of each pattern at the top of a module."""
    for module in pkgutil.walk_packages(frostline.__path__, "frostline."):
        if module.name == "frostline.__main__":
            continue
        values = vars(import_module(module.name))
        yield from ((f"{module.name}.{name}", value) for name, value in values.items() if isinstance(value, re.Pattern))


def _is_one_character(tree: Any) -> bool:
    return len(tree) == 1 and tree[0][0] in _ONE_CHARACTER


def possessive_groups(tree: Any) -> Iterator[Any]:
    """What is repeated possessively in a parsed pattern and is more than one character."""
    if isinstance(tree, parser.SubPattern):
        for kind, argument in tree:
            if kind is kinds.POSSESSIVE_REPEAT and not _is_one_character(argument[2]):
                yield argument[2]
            yield from possessive_groups(argument)
    elif isinstance(tree, tuple | list):
        for item in tree:
            yield from possessive_groups(item)


def test_no_group_is_possessive() -> None:
    found = dict(patterns())
    assert len(found) > 40, sys.version
    assert [name for name, pattern in found.items() if [*possessive_groups(parser.parse(pattern.pattern))]] == []


def test_a_possessive_group_is_found_at_any_depth() -> None:
    for pattern in ("(?:a|bc)++", "x(?P<a>(?:ab)*+)", "(?:[a-z](?:ab?)?+)*"):
        assert [*possessive_groups(parser.parse(pattern))], pattern
    for pattern in ("[a-z]*+", "a++", "(?:a|bc)+", "(.++)"):
        assert not [*possessive_groups(parser.parse(pattern))], pattern

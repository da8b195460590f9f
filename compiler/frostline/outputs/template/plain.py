"""Turns a template's values into plain values, before a filter quotes them for their place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Undefined

from frostline.outputs.template.text import TemplateFault, Trusted, fail_undefined, quoted, show_value, to_text, trusted

_HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")

LEAVE_OUT = "leave the service out with `select` of the output"


def literal(text: str, name: str) -> Trusted:
    """A literal as trusted text. One without quotes (a number, an empty list …) can stand anywhere."""
    return quoted(text, name) if '"' in text else trusted(text)


class _Pointed(float):
    """A number written with a point: YAML 1.1 reads 1e+16 as a string, and every format reads 1.0e+16 as a number."""

    def __str__(self) -> str:
        mantissa, exponent, power = repr(float(self)).partition("e")
        return mantissa + ("" if "." in mantissa else ".0") + exponent + power


def plain_value(value: Any, name: str) -> Any:
    """`value` as str, int, _Pointed, bool, None, or lists and dicts of these. Raises TemplateFault for other values."""
    match value:
        case str():
            return plain_text(value, name)
        case float() if math.isfinite(value):
            return _Pointed(value)
        case None | bool() | int():
            return value
        case Undefined():
            fail_undefined(value)
        case Mapping():
            if strange := [key for key in value if not isinstance(key, str)]:
                raise TemplateFault(f"the key {show_value(strange[0])} is not a string")
            return {plain_text(key, name): plain_value(item, name) for key, item in value.items()}
        case Iterable():
            return [plain_value(item, name) for item in value]
    kind = show_value(value) if isinstance(value, float) else f"a {type(value).__name__}"
    raise TemplateFault(f"{kind} cannot be written as {name}")


def plain_text(value: Any, name: str) -> str:
    """The text to quote, as plain `str`. Raises TemplateFault for a lone surrogate, which UTF-8 cannot encode."""
    text = value if type(value) is str else str(to_text(value, f"quoted by `| {name}`"))
    if not text.isascii() and _HALF_OF_A_PAIR.search(text):
        raise TemplateFault(f"{show_value(text)} contains half of a surrogate pair, which is not a character")
    return text

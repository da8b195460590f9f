"""Functions with results that differ between runs or machines: their values are unknown."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.hcl.functions.base import Function, Parameter
from frostline.hcl.unknowns import unknown
from frostline.hcl.values import DYNAMIC, STRING, Value

_NAMES = (
    "bcrypt",  # a random salt
    "rsadecrypt",  # needs a private key, which does not belong in a file that is published
    "uuidv4",  # random
)


def unknown_text(*_: Value) -> Value:
    """Return an unknown string."""
    return unknown(STRING, ())


FUNCTIONS: Mapping[str, Function] = {
    name: Function((), unknown_text, Parameter("args", DYNAMIC, null=True)) for name in _NAMES
}

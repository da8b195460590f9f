"""The table of all functions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from frostline.hcl.functions.base import Function


@cache
def function_table() -> Mapping[str, Function]:
    """Return all functions by name, except those that read files (see `files.file_functions`)."""
    from frostline.hcl.functions import (
        collections,
        encodings,
        formatting,
        networks,
        numeric,
        sets,
        texts,
        times,
        unreproducible,
    )

    modules = (collections, encodings, formatting, networks, numeric, sets, texts, times, unreproducible)
    return {name: function for module in modules for name, function in module.FUNCTIONS.items()}

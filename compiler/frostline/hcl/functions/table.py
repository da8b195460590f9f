"""All functions by name: one line each. What is not here is an unknown function."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.hcl.functions.base import Function


def function_table() -> Mapping[str, Function]:
    """Name -> function, of all that need no file; `files` has those that do."""
    from frostline.hcl.functions import collections, encodings, networks, numeric, texts, times

    return {
        **collections.FUNCTIONS,
        **encodings.FUNCTIONS,
        **networks.FUNCTIONS,
        **numeric.FUNCTIONS,
        **texts.FUNCTIONS,
        **times.FUNCTIONS,
    }

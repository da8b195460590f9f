"""Checks the keys of an output that renders a built-in template."""

from __future__ import annotations

import json
from collections.abc import Mapping

from frostline.config.cursor import Cursor
from frostline.config.schema_errors import KINDS
from frostline.outputs.template.builtins import Builtin, Variable
from frostline.text import did_you_mean, list_names, quote

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def check_builtin(cursor: Cursor, builtin: Builtin) -> None:
    """Refuses keys of the output at `cursor` that this template does not take."""
    _check_split(cursor, builtin)
    variables = cursor.get("vars")
    for entry in variables.entries() if variables else ():
        known = builtin.variables.get(entry.key)
        if known is None:
            otherwise = (
                f"its variables are {list_names(builtin.variables)}" if builtin.variables else "it has no variables"
            )
            message = f"the template {quote(cursor.value['builtin'])} has no variable {quote(entry.key)}"
            entry.refuse(message, did_you_mean(entry.key, builtin.variables, otherwise), at_key=True)
        elif not _is_of(entry.value, known):
            shown = quote(json.dumps(entry.value, ensure_ascii=False))
            entry.refuse(f"{quote(entry.key)} must be {KINDS[known.type]}, not {shown}", f"it says {known.description}")


def _check_split(cursor: Cursor, builtin: Builtin) -> None:
    name, split = quote(cursor.value["builtin"]), cursor.get("split")
    if builtin.split == "always" and "split" not in cursor.value:
        cursor.refuse(
            f"the template {name} writes a file for each (service, version)",
            "add `split: entry`, and {name} to `path`: `FOLDER/{name}.json`",
        )
    elif builtin.split == "never" and split:
        split.refuse(
            f"the template {name} writes one file", "remove `split`, and the placeholders in `path`", at_key=True
        )


def _is_of(value: object, variable: Variable) -> bool:
    return isinstance(value, _TYPES[variable.type]) and isinstance(value, bool) == (variable.type == "boolean")

"""Errors of a configuration that does not fit its JSON Schema, in frostline's words and with file positions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from frostline.config.schema_keywords import bounded_keywords, unknown_keys
from frostline.config.yaml_reader import EMPTY_HELP, Document, Path
from frostline.errors import UsageError
from frostline.text import closest, list_names, quote

_GENERAL_HELP = "see `frostline schema config` for what it means"

KINDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
"""The types of JSON Schema, as messages call them."""


class SchemaError(Struct, frozen=True):
    """An error that the schema finds.

    path: the value that it is about. usable: the rest of the value can be used, because only a key is missing.
    """

    error: UsageError
    path: Path
    usable: bool = False


class _Words(Struct, frozen=True):
    """A message and a help line. at_key: they are about the key rather than its value."""

    message: str
    help: str | None = None
    at_key: bool = False


def schema_errors(document: Document, schema: bytes) -> list[SchemaError]:
    """Check the document against this JSON Schema. Returns one error for each wrong value, in no particular order.

    jsonschema-rs decides first, which takes less time than importing jsonschema. Only for an invalid document,
    jsonschema then finds the errors.
    """
    if _decider(schema).is_valid(document.value):
        return []
    errors: dict[tuple[Path, str], SchemaError] = {}
    definitions = json.loads(schema).get("$defs", {})
    for refusal in _validator(schema).iter_errors(document.value):
        for error in _errors(refusal, document, definitions):
            # Keep one error for each value: one of the wrong type breaks other keywords as well. But report every key
            # that a mapping lacks.
            errors.setdefault((error.path, error.error.message if error.usable else ""), error)
    return list(errors.values())


@lru_cache(maxsize=4)
def _decider(schema: bytes) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads(schema))


@lru_cache(maxsize=4)
def _validator(schema: bytes) -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    whole = json.loads(schema)
    checker: Any = extend(Draft202012Validator, bounded_keywords(whole.get("$defs", {})))  # type: ignore[no-untyped-call]
    return checker(whole)


def _errors(error: Any, document: Document, definitions: Mapping[str, Any]) -> Iterator[SchemaError]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        for key in unknown_keys(error.instance, error.schema):
            words = _unknown_key(key, path, error.schema, definitions)
            yield SchemaError(_usage_error(words, (*path, key), document), (*path, key))
        return
    if "propertyNames" in error.absolute_schema_path:
        path = (*path, error.instance)
        wanted = _expected(error.schema, error)
        message = (
            f"a key here must be {wanted}, not {quote(error.instance)}" if error.instance else "a key here is empty"
        )
        words = _Words(message, error.schema.get("x-pattern-help") or f"write {wanted}", at_key=True)
    else:
        words = _WORDS.get(error.validator, _other)(error, path)
    yield SchemaError(_usage_error(words, path, document), path, usable=error.validator == "required")


def _usage_error(words: _Words, path: Path, document: Document) -> UsageError:
    return UsageError(
        words.message, origin=document.origin_of(path, at_key=words.at_key), help=words.help or _GENERAL_HELP
    )


def is_secret(path: Path) -> bool:
    """Whether a user may have written a token here by mistake; then no message quotes the value."""
    return len(path) > 2 and path[0] == "sources" and path[2] == "token"


def subject(path: Path) -> str:
    """Return what messages call the value at `path`."""
    if not path:
        return "the configuration"
    if isinstance(path[-1], str):
        return f"`{path[-1]}`"
    names = [part for part in path if isinstance(part, str)]
    return f"an item of `{names[-1]}`"


def _unknown_key(key: str, path: Path, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> _Words:
    if is_secret((*path, key)):
        return _Words("`token` has a key that is neither `env` nor `file`", _TOKEN_HELP, at_key=True)
    if key in schema.get("x-elsewhere", {}):
        return _Words(f"{quote(key)} does not belong here", schema["x-elsewhere"][key], at_key=True)
    known = sorted(schema.get("properties", {}))
    near = _one_level_down(key, schema, definitions) or closest(key, known)
    help_text = f"did you mean `{near}`?" if near else f"the keys here are {list_names(known)}"
    if path == ("checks",):  # the checks of plug-ins are keys of their own
        help_text += f"{' or,' if near else ';'} if a plug-in brings it, install the plug-in beside frostline"
    return _Words(f"unknown key {quote(key)}", help_text, at_key=True)


def _one_level_down(key: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str | None:
    """Return the path of the only mapping below that knows this key, such as `select.services` for `services`."""
    homes = []
    for name, value in schema.get("properties", {}).items():
        referred = definitions.get(value.get("$ref", "").removeprefix("#/$defs/"), value)
        if key in referred.get("properties", {}):
            homes.append(f"{name}.{key}")
    return homes[0] if len(homes) == 1 else None


_TOKEN_HELP = "write {env: NAME} or {file: path}"  # noqa: S105 - no password


def _expected(schema: Mapping[str, Any], error: Any) -> str:
    if "x-expected" in schema:
        return str(schema["x-expected"])
    if error.validator == "minLength":
        return "a string that is not empty"
    types = schema.get("type", error.validator_value)
    return " or ".join(KINDS[name] for name in ([types] if isinstance(types, str) else types))


def _describe(value: Any, *, quoted: bool = False) -> str:
    """Describe a value for "must be …, not …". quoted: quote a string, which must not be a secret."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str) and quoted:
        return f"the string {quote(value)}"
    kinds: Mapping[type, str] = {str: "string", list: "array", dict: "object"}
    return KINDS[kinds[type(value)]]


def _wrong_type(error: Any, path: Path) -> _Words:
    if error.instance is None and not path:
        return _Words("the file is empty", EMPTY_HELP)
    if error.instance is None:
        return _Words(f"{subject(path)} has no value", "give it one, or remove it", at_key=True)
    if is_secret(path) and len(path) == 3 and isinstance(error.instance, str):
        return _Words("`token` must not be written here itself", error.schema["x-help"])
    types = error.validator_value
    help_text = error.schema.get("x-help")
    expected = "a string" if types == "string" and help_text is None else _expected(error.schema, error)
    found = _describe(error.instance, quoted=types in ("boolean", "integer", "number"))
    message = f"{subject(path)} must be {expected}, not {found}"
    help_text = help_text or _type_help(types, error.instance)
    if help_text is None and "x-expected" in error.schema:
        help_text = f"write {expected}"
    return _Words(message, help_text or _mapping_help(types, error.schema, path))


def _mapping_help(types: Any, schema: Mapping[str, Any], path: Path) -> str | None:
    """Say what to write in place of a value that must be a mapping: its known keys, or that any name may be a key."""
    if "object" not in types:
        return None
    if not path:
        return "write lines `KEY: VALUE`, at least `sources`; or move the file away and run `frostline init`"
    known = sorted(schema.get("properties", {}))
    if not known:
        return "write a line `NAME: VALUE` for each, indented below it"
    return f"its keys are {list_names(known)}"


def _type_help(types: Any, value: Any) -> str | None:
    """Say how to turn the value into one of these types."""
    if "string" in types and not isinstance(value, list | dict):
        return "put it in quotes"
    if types == "boolean":
        return "write true or false, without quotes"
    if types == "string":
        return "write one value, without brackets and braces"
    if types in ("integer", "number"):
        return "remove the quotes" if _is_number(value) else f"write {KINDS[types]}, without quotes"
    if types == "array" and isinstance(value, dict):
        return "begin each item with `- `"
    if "array" in types and not isinstance(value, dict):
        return "put it in brackets: [ ]"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9]+", value) is not None


def _not_one_of(error: Any, path: Path) -> _Words:
    known = [str(value) for value in error.validator_value]
    must = f"{subject(path)} must be {list_names(known, 'or')}"
    if error.instance is None:
        return _Words(f"{subject(path)} has no value", f"write {list_names(known, 'or')}", at_key=True)
    if not isinstance(error.instance, str):
        return _Words(f"{must}, not {_describe(error.instance)}", "write one of them")
    near = closest(error.instance, known)
    return _Words(f"{must}, not {quote(error.instance)}", f"did you mean `{near}`?" if near else "write one of them")


def _not_constant(error: Any, path: Path) -> _Words:
    found = f", not {quote(error.instance)}" if isinstance(error.instance, str) else f", not {error.instance}"
    return _Words(f"{subject(path)} must be {error.validator_value}{found}", error.schema.get("x-help"))


def _not_in_pattern(error: Any, path: Path) -> _Words:
    found = "" if is_secret(path) else f", not {quote(error.instance)}"
    expected = _expected(error.schema, error)
    help_text = error.schema.get("x-pattern-help") or error.schema.get("x-help") or f"write {expected}"
    return _Words(f"{subject(path)} must be {expected}{found}", help_text)


def _out_of_bounds(error: Any, path: Path) -> _Words:
    least, most = error.schema.get("minimum"), error.schema.get("maximum")
    bounds = f"at least {least}" if most is None else f"between {least} and {most}"
    return _Words(f"{subject(path)} must be {bounds}, not {error.instance}", "write a number in these bounds")


def _too_short(error: Any, path: Path) -> _Words:
    if error.validator == "minLength" or "x-expected" in error.schema:
        return _Words(f"{subject(path)} is empty", f"it must be {_expected(error.schema, error)}")
    what = "item" if error.validator == "minItems" else "key"
    return _Words(f"{subject(path)} is empty", f"write at least one {what}")


def _too_many(error: Any, path: Path) -> _Words:
    return _Words(f"{subject(path)} has more than one key", f"it must be {_expected(error.schema, error)}")


def _missing(error: Any, path: Path) -> _Words:
    name = next(key for key in error.validator_value if key not in error.instance and f"'{key}'" in error.message)
    joined = next((key for key in error.instance if isinstance(key, str) and key.startswith(f"{name}:")), None)
    if joined is not None and not is_secret(path):
        return _Words(f"{quote(joined)} has no space after the colon", f"write `{name}: …`", at_key=True)
    return _Words(
        f"{_mapping_subject(path)} needs `{name}`", error.schema.get("x-help", f"add `{name}: …` to it"), at_key=True
    )


def _mapping_subject(path: Path) -> str:
    """Return what messages call a mapping; one in a list is named by its number in the list."""
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of `{path[-2]}`"
    return subject(path)


def _other(error: Any, path: Path) -> _Words:
    return _Words(f"{subject(path)} does not fit the schema ({error.validator})", _GENERAL_HELP)


_WORDS: Mapping[str, Callable[[Any, Path], _Words]] = {
    "type": _wrong_type,
    "enum": _not_one_of,
    "const": _not_constant,
    "pattern": _not_in_pattern,
    "minimum": _out_of_bounds,
    "maximum": _out_of_bounds,
    "minLength": _too_short,
    "minItems": _too_short,
    "minProperties": _too_short,
    "maxProperties": _too_many,
    "required": _missing,
}

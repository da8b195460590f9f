"""Keywords of JSON Schema with regular expressions, for jsonschema but matched by jsonschema-rs.

jsonschema would match with Python's `re`, whose syntax differs (no `\\p{L}`) and which a pattern such as `(a+)+$` keeps
busy for minutes. jsonschema-rs, which decides whether a value is valid, gives up after a number of steps and then takes
the text for one that does not match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


def bounded_keywords(definitions: Any) -> dict[str, Keyword]:
    """Return the keywords, to extend jsonschema's validator with. definitions: the `$defs` of the whole schema."""
    return {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "unevaluatedProperties": partial(_unevaluated_properties, definitions),
    }


def unknown_keys(instance: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return the keys of a mapping that match neither `properties` nor `patternProperties` of its schema."""
    patterns = schema.get("patternProperties", ())
    return [
        key
        for key in instance
        if key not in schema.get("properties", ()) and not any(_fits(pattern, key) for pattern in patterns)
    ]


@lru_cache(maxsize=256)
def _decider(pattern: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"pattern": pattern})


def _fits(pattern: str, text: str) -> bool:
    return bool(_decider(pattern).is_valid(text))


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and not _fits(pattern, instance):
        yield ValidationError("")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    for key, value in instance.items() if isinstance(instance, dict) else ():
        for pattern in filter(lambda pattern: _fits(pattern, key), patterns):
            yield from validator.descend(value, patterns[pattern], path=key, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    unknown = unknown_keys(instance, schema) if isinstance(instance, dict) else []
    if isinstance(allowed, dict):
        for key in unknown:
            yield from validator.descend(instance[key], allowed, path=key)
    elif unknown and not allowed:
        yield ValidationError("")


def _unevaluated_properties(
    definitions: Any, _validator: Any, _allowed: Any, instance: Any, schema: Any
) -> Iterator[Any]:
    import jsonschema_rs
    from jsonschema import ValidationError

    decider = jsonschema_rs.Draft202012Validator({**schema, "$defs": definitions})
    if any(error.schema_path[-1:] == ["unevaluatedProperties"] for error in decider.iter_errors(instance)):
        yield ValidationError("")

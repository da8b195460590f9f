"""Parsing type expressions: `list(string)`, `object({name = string})` (HCL's ext/typeexpr)."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.hcl.nodes import Call, Expression, Literal, ObjectOf, Traversal, TupleOf
from frostline.hcl.positions import start
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import BOOL, DYNAMIC, NUMBER, STRING, Type

_KEYWORDS: Mapping[str, Type] = {"bool": BOOL, "string": STRING, "number": NUMBER, "any": DYNAMIC}
_COLLECTIONS = ("list", "set", "map")
_CONSTRUCTORS = (*_COLLECTIONS, "object", "tuple")
_MOST_LEVELS = 50
_HELP = "a type is `string`, `number`, `bool`, or as `list(string)`, `map(number)`, `object({name = string})`"


def parse_type(expression: Expression, source: Source, exact: bool) -> Type:
    """Parse a type expression. Raises HclError if it does not name a type.

    exact: refuse `any` and `optional`, as for the type of a variable; the function `convert` accepts both. A default,
    as in `optional(number, 80)`, is always refused.
    """
    return _parse(expression, source, exact, 0)


def _parse(expression: Expression, source: Source, exact: bool, level: int) -> Type:
    if level > _MOST_LEVELS:
        raise _error("types are nested too deeply", start(expression), source)
    if isinstance(expression, Traversal) and not expression.steps:
        return _keyword(expression, source, exact)
    if not isinstance(expression, Call):
        raise _error("this is not a type", start(expression), source)
    name, arguments = expression.name, expression.arguments
    if name in _KEYWORDS:
        raise _error(f"the type `{name}` takes no arguments", _parenthesis(expression, source), source)
    if name in _CONSTRUCTORS and len(arguments) != 1:
        place = start(arguments[1]) if arguments else _parenthesis(expression, source)
        raise _error(f"`{name}` takes one argument", place, source)
    if name in _COLLECTIONS:
        return Type(name, element=_parse(arguments[0], source, exact, level + 1))
    if name == "object":
        return _object(arguments[0], source, exact, level)
    if name == "tuple":
        return _tuple(arguments[0], source, exact, level)
    if name == "optional" and len(arguments) == 1:
        raise _error("`optional` is only for attributes of an object", expression.offset, source)
    raise _error(f"there is no type `{name}`", expression.offset, source)


def _keyword(expression: Traversal, source: Source, exact: bool) -> Type:
    name = expression.root
    if name == "any" and exact:
        raise _error("a variable cannot have the type `any`", expression.offset, source)
    if name in _KEYWORDS:
        return _KEYWORDS[name]
    if name in _CONSTRUCTORS:
        raise _error(f"`{name}` needs an argument: the type of its elements", expression.offset, source)
    raise _error(f"there is no type `{name}`", expression.offset, source)


def _object(argument: Expression, source: Source, exact: bool, level: int) -> Type:
    if not isinstance(argument, ObjectOf):
        raise _error("`object` takes names with their types: `object({name = string})`", start(argument), source)
    attributes: dict[str, Type] = {}
    optional: set[str] = set()
    for key, expression in argument.items:
        name = _attribute_name(key, source)
        if name in attributes:
            raise _error(f"the attribute `{name}` is defined twice", key.offset, source)
        if isinstance(expression, Call) and expression.name == "optional":
            _check_optional(expression, source, exact)
            optional.add(name)
            expression = expression.arguments[0]
        attributes[name] = _parse(expression, source, exact, level + 1)
    return Type("object", attributes=attributes, optional=frozenset(optional))


def _attribute_name(key: Expression, source: Source) -> str:
    if (
        isinstance(key, Literal)
        and isinstance(key.value.data, str)
        and source.data[key.offset : key.offset + 1] != b'"'
    ):
        return key.value.data
    raise _error("the attributes of an object type are bare names", start(key), source)


def _check_optional(call: Call, source: Source, exact: bool) -> None:
    if not call.arguments:
        raise _error("`optional` needs the attribute's type", _parenthesis(call, source), source)
    if exact:
        raise _error("the type of a variable cannot have `optional`", call.offset, source)
    if len(call.arguments) > 1:
        raise _error("`optional` takes one argument: the attribute's type", _parenthesis(call, source), source)


def _tuple(argument: Expression, source: Source, exact: bool, level: int) -> Type:
    if not isinstance(argument, TupleOf):
        raise _error("`tuple` takes the elements' types: `tuple([string, number])`", start(argument), source)
    return Type("tuple", elements=tuple(_parse(item, source, exact, level + 1) for item in argument.items))


def _parenthesis(call: Call, source: Source) -> int:
    """Return the offset of the opening parenthesis."""
    return source.data.index(b"(", call.offset)


def _error(message: str, offset: int, source: Source) -> HclError:
    return HclError(message, source.place(offset), _HELP)

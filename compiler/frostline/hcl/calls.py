"""Calls: the functions of the table, and the three that take expressions: try, can, convert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.nodes import Call, Expression, Literal
from frostline.hcl.number import NumberError
from frostline.hcl.positions import point, start
from frostline.hcl.scope import BudgetError, Scope, suggestion
from frostline.hcl.source import HclError
from frostline.hcl.typeexpr import parse_type
from frostline.hcl.values import DYNAMIC, FALSE, NULL, TRUE, Value
from frostline.hcl.weights import extent

Evaluate = Callable[[Expression, Scope], Value]


class _Argument(NamedTuple):
    """An expression that is yet to be evaluated, or a value of one that was expanded; at: where its errors point to."""

    at: int
    expression: Expression | None
    value: Value | None


def call(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """What the function makes of the arguments."""
    lazy = _LAZY.get(node.name)
    if lazy is not None:
        return lazy(node, scope, evaluate)
    function = scope.functions.get(node.name)
    if function is None:
        known = sorted({*scope.functions, *_LAZY})
        raise scope.error(f"there is no function `{node.name}`", node.at, suggestion(node.name, known))
    arguments = _arguments(node, scope, evaluate)
    _check_count(node, function, arguments, scope)
    values = [_converted(argument, _parameter(function, at), scope, evaluate) for at, argument in enumerate(arguments)]
    for at, value in enumerate(values):
        if value.data is None and not _parameter(function, at).null:
            name = _parameter(function, at).name
            raise scope.error(f"`{name}` of `{node.name}` must not be null", arguments[at].at)
    scope.spend(sum(extent(value)[0] for value in values), node.at)
    try:
        result = function.call(*values)
    except FunctionError as error:
        blamed = error.argument
        place = arguments[blamed].at if blamed is not None and blamed < len(arguments) else node.at
        raise scope.error(f"call to `{node.name}` failed: {error.message}", place) from None
    except (NumberError, ConversionError) as error:
        raise scope.error(f"call to `{node.name}` failed: {error}", node.at) from None
    scope.spend(extent(result)[0], node.at)
    return scope.made(result, node.at)


def _arguments(node: Call, scope: Scope, evaluate: Evaluate) -> list[_Argument]:
    """The arguments; those of an expanded last one are values already."""
    written = node.arguments[:-1] if node.expand else node.arguments
    arguments = [_Argument(point(each, scope.source), each, None) for each in written]
    if node.expand:
        last = node.arguments[-1]
        value, at = evaluate(last, scope), start(last)
        if value.data is None:
            raise scope.error("`...` needs a sequence, and this is null", at)
        if value.type.kind not in ("list", "set", "tuple"):
            raise scope.error(f"`...` needs a sequence, and this is a {value.type}", at)
        arguments += [_Argument(at, None, each) for each in value.data]
    return arguments


def _check_count(node: Call, function: Function, arguments: list[_Argument], scope: Scope) -> None:
    least = len(function.parameters)
    count = f"{least} argument{'' if least == 1 else 's'}"
    if len(arguments) < least:
        at_least = "at least " if function.variadic else ""
        missing = function.parameters[len(arguments)].name
        raise scope.error(f"`{node.name}` takes {at_least}{count}: `{missing}` is missing", node.end - 1)
    if function.variadic is None and len(arguments) > least:
        raise scope.error(f"`{node.name}` takes no more than {count}", arguments[least].at)


def _parameter(function: Function, at: int) -> Parameter:
    if at < len(function.parameters):
        return function.parameters[at]
    assert function.variadic is not None
    return function.variadic


def _converted(argument: _Argument, parameter: Parameter, scope: Scope, evaluate: Evaluate) -> Value:
    value = argument.value
    if value is None:
        assert argument.expression is not None
        value = evaluate(argument.expression, scope)
    if parameter.type is DYNAMIC or value.type is parameter.type:
        return value
    if not parameter.type.is_primitive:
        scope.spend(extent(value)[0], argument.at)
    try:
        return convert(value, parameter.type)
    except ConversionError as error:
        raise scope.error(f"`{parameter.name}` is not as it must be: {error}", argument.at) from None


def _try(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """The value of the first expression that has one."""
    first: HclError | None = None
    for expression in _lazy_arguments(node, scope, evaluate):
        try:
            return evaluate(expression, scope)
        except BudgetError:
            raise
        except HclError as error:
            first = first or error
    if first is None:
        raise scope.error("`try` takes at least 1 argument", node.at)
    where = f"{first.place.line}:{first.place.column}"
    raise scope.error(f"call to `try` failed: no argument has a value; the first: {first.message} ({where})", node.at)


def _can(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """Whether the expression has a value."""
    (expression,) = _lazy_arguments(node, scope, evaluate, "expression")
    try:
        evaluate(expression, scope)
    except BudgetError:
        raise
    except HclError:
        return FALSE
    return TRUE


def _convert(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """A value as one of the type that the second argument names.

    cty converts twice: to the type, then the value once more to the type of what came of it. So an optional attribute
    is not optional here.
    """
    subject, wanted = _lazy_arguments(node, scope, evaluate, "value", "type")
    value = evaluate(subject, scope)
    type_ = parse_type(wanted, scope.source, exact=False)
    scope.spend(2 * extent(value)[0], node.at)
    try:
        return scope.made(convert(value, convert(value, type_).type), node.at)
    except ConversionError as error:
        place = point(subject, scope.source)
        raise scope.error(f"call to `convert` failed: {error}", place) from None


def _lazy_arguments(node: Call, scope: Scope, evaluate: Evaluate, *names: str) -> tuple[Expression, ...]:
    """The arguments, as many as names (any number where there are no names); expanded ones as literals."""
    function = Function(tuple(map(Parameter, names)), Value, None if names else Parameter("expressions"))
    arguments = _arguments(node, scope, evaluate)
    _check_count(node, function, arguments, scope)
    return tuple(each.expression or Literal(each.at, each.value or NULL) for each in arguments)


_LAZY: Mapping[str, Callable[[Call, Scope, Evaluate], Value]] = {"try": _try, "can": _can, "convert": _convert}

"""Calls of functions, including the three that take expressions instead of values: try, can, convert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.nodes import Call, Expression, Literal
from frostline.hcl.number import NumberError
from frostline.hcl.positions import point, start
from frostline.hcl.scope import BudgetError, Scope, suggestion
from frostline.hcl.source import HclError
from frostline.hcl.typeexpr import parse_type
from frostline.hcl.unknowns import causes_in, unknown, unknown_from
from frostline.hcl.values import BOOL, DYNAMIC, FALSE, NULL, TRUE, Value
from frostline.hcl.weights import extent

Evaluate = Callable[[Expression, Scope], Value]


class _Argument(NamedTuple):
    """An argument: an expression, or a value that `...` expanded. offset: the place of errors about the argument."""

    offset: int
    expression: Expression | None
    value: Value | None


def call(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """Evaluate a call. Raises HclError if the function does not exist, an argument is wrong, or the function fails."""
    lazy = _LAZY.get(node.name)
    if lazy is not None:
        return lazy(node, scope, evaluate)
    function = scope.functions.get(node.name)
    if function is None:
        known = {*scope.functions, *_LAZY}
        raise scope.error(f"there is no function `{node.name}`", node.offset, lambda: suggestion(node.name, known))
    arguments = _arguments(node, scope, evaluate)
    if isinstance(arguments, Value):
        return arguments
    _check_count(node, function, arguments, scope)
    values = [
        _converted(node.name, argument, _parameter(function, index), scope, evaluate)
        for index, argument in enumerate(arguments)
    ]
    for index, value in enumerate(values):
        if value.data is None and not _parameter(function, index).null:
            name = _parameter(function, index).name
            raise scope.error(f"`{name}` of `{node.name}` must not be null", arguments[index].offset)
    if any(value.is_unknown if function.partly else causes_in(value) for value in values):
        return unknown_from(values)
    scope.spend(sum(extent(value)[0] for value in values), node.offset)
    counted = (partial(scope.spend, offset=node.offset),) if function.counted else ()
    try:
        result = function.call(*counted, *values)
    except FunctionError as error:
        wrong = error.argument
        offset = arguments[wrong].offset if wrong is not None and wrong < len(arguments) else node.offset
        raise scope.error(f"call to `{node.name}` failed: {error.message}", offset) from None
    except (NumberError, ConversionError) as error:
        raise scope.error(f"call to `{node.name}` failed: {error}", node.offset) from None
    if result.is_unknown:
        return unknown(result.type, causes_in(result) or {f"{node.name}()"})
    scope.spend(extent(result)[0], node.offset)
    return scope.admit(result, node.offset)


def _arguments(node: Call, scope: Scope, evaluate: Evaluate) -> list[_Argument] | Value:
    """Return the arguments, not evaluated except for the one that `...` expands.

    Returns an unknown value if the argument before `...` is unknown: then the result of the call is unknown too.
    """
    written = node.arguments[:-1] if node.expand else node.arguments
    arguments = [_Argument(point(argument, scope.source), argument, None) for argument in written]
    if node.expand:
        last = node.arguments[-1]
        value, offset = evaluate(last, scope), start(last)
        if value.data is None:
            raise scope.error("`...` needs a sequence, but this is null", offset)
        if value.is_unknown and (value.type is DYNAMIC or value.type.kind in ("list", "set", "tuple")):
            return unknown_from((value,))
        if value.type.kind not in ("list", "set", "tuple"):
            raise scope.error(f"`...` needs a sequence, but this is a {value.type}", offset)
        arguments += [_Argument(offset, None, argument) for argument in value.data]
    return arguments


def _check_count(node: Call, function: Function, arguments: list[_Argument], scope: Scope) -> None:
    least = len(function.parameters)
    count = f"{least} argument{'' if least == 1 else 's'}"
    if len(arguments) < least:
        at_least = "at least " if function.variadic else ""
        missing = function.parameters[len(arguments)].name
        raise scope.error(f"`{node.name}` takes {at_least}{count}: `{missing}` is missing", node.end - 1)
    if function.variadic is None and len(arguments) > least:
        raise scope.error(f"`{node.name}` takes no more than {count}", arguments[least].offset)


def _parameter(function: Function, index: int) -> Parameter:
    if index < len(function.parameters):
        return function.parameters[index]
    assert function.variadic is not None
    return function.variadic


def _converted(name: str, argument: _Argument, parameter: Parameter, scope: Scope, evaluate: Evaluate) -> Value:
    value = argument.value
    if value is None:
        assert argument.expression is not None
        value = evaluate(argument.expression, scope)
    if parameter.type is DYNAMIC or value.type is parameter.type:
        return value
    if not parameter.type.is_primitive:
        scope.spend(extent(value)[0], argument.offset)
    try:
        return convert(value, parameter.type)
    except ConversionError as error:
        raise scope.error(f"`{parameter.name}` of `{name}` has the wrong type: {error}", argument.offset) from None


def _try(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """Return the value of the first expression that can be evaluated."""
    first: HclError | None = None
    expressions = _lazy_arguments(node, scope, evaluate)
    if isinstance(expressions, Value):
        return expressions
    for expression in expressions:
        try:
            return evaluate(expression, scope)
        except BudgetError:
            raise
        except HclError as error:
            first = first or error
    if first is None:
        raise scope.error("`try` takes at least 1 argument", node.offset)
    where = f"{first.place.line}:{first.place.column}"
    raise scope.error(
        f"call to `try` failed: no argument has a value; the first: {first.message} ({where})", node.offset
    )


def _can(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """Return whether the expression can be evaluated; unknown if it depends on something unknown."""
    expressions = _lazy_arguments(node, scope, evaluate, "expression")
    if isinstance(expressions, Value):
        return expressions
    try:
        value = evaluate(expressions[0], scope)
    except BudgetError:
        raise
    except HclError:
        return FALSE
    return unknown_from((value,), BOOL) if causes_in(value) else TRUE


def _convert(node: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """Convert the value of the first argument to the type that the second one names.

    cty converts twice: to the type, then to the type of the result, in which optional attributes are required.
    """
    expressions = _lazy_arguments(node, scope, evaluate, "value", "type")
    if isinstance(expressions, Value):
        return expressions
    subject, wanted = expressions
    value = evaluate(subject, scope)
    type_ = parse_type(wanted, scope.source, exact=False)
    scope.spend(2 * extent(value)[0], node.offset)
    try:
        return scope.admit(convert(value, convert(value, type_).type), node.offset)
    except ConversionError as error:
        place = point(subject, scope.source)
        raise scope.error(f"call to `convert` failed: {error}", place) from None


def _lazy_arguments(node: Call, scope: Scope, evaluate: Evaluate, *names: str) -> tuple[Expression, ...] | Value:
    """Return the argument expressions: one for each name, or any number without names. Expanded ones become literals.

    Returns an unknown value like `_arguments`.
    """
    function = Function(tuple(map(Parameter, names)), Value, None if names else Parameter("expressions"))
    arguments = _arguments(node, scope, evaluate)
    if isinstance(arguments, Value):
        return arguments
    _check_count(node, function, arguments, scope)
    return tuple(argument.expression or Literal(argument.offset, argument.value or NULL) for argument in arguments)


_LAZY: Mapping[str, Callable[[Call, Scope, Evaluate], Value]] = {"try": _try, "can": _can, "convert": _convert}

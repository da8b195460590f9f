"""Evaluating conditionals.

Both results are evaluated, because the type of a conditional is their common type. Errors in the result that is not
chosen are ignored, but the failed expression still has a type.
"""

from __future__ import annotations

from collections.abc import Callable

from frostline.hcl.conversion import ConversionError, convert, unify
from frostline.hcl.nodes import (
    Binary,
    Conditional,
    Expression,
    For,
    ObjectOf,
    Parenthesized,
    Splat,
    Template,
    TemplateFor,
    TemplateIf,
    TupleOf,
    Unary,
    Wrapped,
)
from frostline.hcl.operators import BINARY, UNARY
from frostline.hcl.positions import start
from frostline.hcl.scope import BudgetError, Scope
from frostline.hcl.source import HclError
from frostline.hcl.unknowns import unknown_from
from frostline.hcl.values import BOOL, DYNAMIC, STRING, Type, Value, list_of
from frostline.hcl.weights import extent

Evaluate = Callable[[Expression, Scope], Value]


def conditional(node: Conditional | TemplateIf, scope: Scope, evaluate: Evaluate) -> Value:
    """Evaluate `condition ? yes : no`, or the `if` of a template. Raises HclError."""
    yes, no = _attempt(node.yes, scope, evaluate), _attempt(node.no, scope, evaluate)
    common = _common_type(yes, no)
    if common is None:
        message = f"both results must have the same type, but they are {yes.type} and {no.type}"
        raise scope.error(message, start(node.yes))
    condition = _condition(node.condition, scope, evaluate)
    if condition.is_unknown:
        return unknown_from((condition,), common)
    chosen, place = (yes, node.yes) if condition.data else (no, node.no)
    if isinstance(chosen, _Failure):
        raise chosen.error
    if chosen.type is common:
        return chosen
    scope.spend(extent(chosen)[0], start(place))
    try:
        return convert(chosen, common)
    except ConversionError as error:
        raise scope.error(f"this result does not have the type of the other: {error}", start(place)) from None


class _Failure:
    """An error in an expression, and the type that HCL gives the failed expression."""

    __slots__ = ("error", "type")

    def __init__(self, error: HclError, type: Type) -> None:
        self.error = error
        self.type = type


def _attempt(node: Expression, scope: Scope, evaluate: Evaluate) -> Value | _Failure:
    try:
        return evaluate(node, scope)
    except BudgetError:
        raise
    except HclError as error:
        return _Failure(error, _failed_type(node, scope, evaluate))


def _failed_type(node: Expression, scope: Scope, evaluate: Evaluate) -> Type:
    """Return the type of a failed expression.

    Operations, templates and conditionals keep their type; the failed elements of a sequence are DYNAMIC.
    """
    while isinstance(node, (Parenthesized, Wrapped)):
        node = node.inner
    if isinstance(node, Binary):
        return BINARY[node.operator][2]
    if isinstance(node, Unary):
        return UNARY[node.operator][0]
    if isinstance(node, (Template, TemplateFor)):
        return STRING
    if isinstance(node, (Conditional, TemplateIf)):
        return _common_type(_attempt(node.yes, scope, evaluate), _attempt(node.no, scope, evaluate)) or DYNAMIC
    if isinstance(node, TupleOf):
        return Type("tuple", elements=tuple(_attempt(item, scope, evaluate).type for item in node.items))
    if isinstance(node, ObjectOf):
        return _failed_object(node, scope, evaluate)
    if isinstance(node, Splat) or (isinstance(node, For) and node.key_result is None and node.condition is None):
        collection = _attempt(node.subject if isinstance(node, Splat) else node.collection, scope, evaluate)
        if isinstance(collection, Value) and collection.data is not None and not collection.is_unknown:
            return _open_sequence(collection, isinstance(node, For))
    return DYNAMIC


def _failed_object(node: ObjectOf, scope: Scope, evaluate: Evaluate) -> Type:
    attributes: dict[str, Type] = {}
    for key_node, item in node.items:
        key = _attempt(key_node, scope, evaluate)
        if isinstance(key, _Failure) or key.data is None or key.is_unknown or not key.type.is_primitive:
            return DYNAMIC
        attributes[convert(key, STRING).data] = _attempt(item, scope, evaluate).type
    return Type("object", attributes=attributes)


def _open_sequence(collection: Value, iterated: bool) -> Type:
    """Return the type of a failed `for` (iterated) or splat over the collection; its elements are DYNAMIC."""
    if isinstance(collection.data, tuple) and (iterated or collection.type.kind == "tuple"):
        return Type("tuple", elements=(DYNAMIC,) * len(collection.data))
    if isinstance(collection.data, tuple):
        return list_of(DYNAMIC)
    if iterated and not isinstance(collection.data, dict):
        return DYNAMIC
    return Type("tuple", elements=(DYNAMIC,) * (len(collection.data) if iterated else 1))


def _common_type(yes: Value | _Failure, no: Value | _Failure) -> Type | None:
    """Return the type to convert the chosen result to; DYNAMIC if it stays as it is, None if there is no such type."""
    if yes.type is no.type:
        return yes.type
    if isinstance(yes, Value) and yes.data is None and yes.type is DYNAMIC:
        return no.type
    if isinstance(no, Value) and no.data is None and no.type is DYNAMIC:
        return yes.type
    if yes.type is DYNAMIC or no.type is DYNAMIC:
        return DYNAMIC
    return unify((yes.type, no.type))


def _condition(node: Expression, scope: Scope, evaluate: Evaluate) -> Value:
    """Evaluate a condition: true, false or unknown."""
    value = evaluate(node, scope)
    if value.data is None:
        raise scope.error("a condition must be true or false, but this is null", start(node))
    try:
        return convert(value, BOOL)
    except ConversionError as error:
        raise scope.error(f"a condition must be true or false: {error}", start(node)) from None

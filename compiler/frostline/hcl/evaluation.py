"""Evaluating expressions, as in HCL2.

HCL may report several errors; here the first one is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from frostline.hcl.access import AccessError, attribute, element, with_subject
from frostline.hcl.calls import call
from frostline.hcl.conditionals import conditional
from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.iteration import for_values, template_for
from frostline.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Embedded,
    Expression,
    For,
    GetAttr,
    InnerSplat,
    Literal,
    ObjectOf,
    Parenthesized,
    Relative,
    Splat,
    Step,
    Template,
    TemplateFor,
    TemplateIf,
    Traversal,
    TupleOf,
    Unary,
    Wrapped,
)
from frostline.hcl.number import NumberError
from frostline.hcl.operators import BINARY, DECIDES, UNARY
from frostline.hcl.positions import is_computed, start
from frostline.hcl.scope import Budget, BudgetError, Scope, suggestion
from frostline.hcl.source import HclError
from frostline.hcl.unknowns import causes_in, unknown_from
from frostline.hcl.values import (
    DYNAMIC,
    STRING,
    Type,
    Unknown,
    Value,
    list_of,
    list_value,
    object_value,
    string,
    tuple_value,
)
from frostline.hcl.weights import extent, number_weight, text_weight

__all__ = ["Budget", "BudgetError", "Scope", "evaluate"]


def evaluate(expression: Expression, scope: Scope) -> Value:
    """Evaluate an expression. Raises HclError, the first error in it."""
    try:
        return _value(expression, scope)
    except RecursionError:
        raise BudgetError("the expression is nested too deeply", scope.source.place(start(expression))) from None
    except MemoryError:
        raise BudgetError(
            "the expression needs more memory than there is", scope.source.place(start(expression))
        ) from None


def _value(expression: Expression, scope: Scope) -> Value:
    budget = scope.budget
    budget.left -= 1
    if budget.left < 0:
        scope.spend(0, start(expression))
    return _EVALUATIONS[type(expression)](expression, scope)


def _literal(node: Literal, _scope: Scope) -> Value:
    return node.value


def _inner(node: Parenthesized | Wrapped, scope: Scope) -> Value:
    return _value(node.inner, scope)


def _embedded(node: Embedded, scope: Scope) -> Value:
    return _value(node.inner, scope.within(node.source))


def _traversal(node: Traversal, scope: Scope) -> Value:
    value = scope.variable(node.root)
    steps = node.steps
    if value is None:
        literal = next((index for index, step in enumerate(steps) if is_computed(step)), len(steps))
        value = _undefined(Traversal(node.offset, node.root, steps[:literal]), scope)
        steps = steps[literal:]
    return _stepped(value, steps, scope, node.root)


def _undefined(node: Traversal, scope: Scope) -> Value:
    value = scope.undefined(node, scope.source) if scope.undefined is not None else None
    if value is None:
        known = scope.names
        raise scope.error(f"there is no variable `{node.root}`", node.offset, lambda: suggestion(node.root, known()))
    return value


def _stepped(value: Value, steps: tuple[Step, ...], scope: Scope, root: str | None = None) -> Value:
    for step in steps:
        try:
            if isinstance(step, GetAttr):
                value = attribute(value, step.name)
            elif isinstance(step, InnerSplat):
                value = _splatted(value, step, step.offset, scope)
            else:
                value = element(value, _value(step.key, scope))
        except AccessError as error:
            nearest = partial(suggestion, error.name, error.known)
            message = with_subject(str(error), root, steps[: steps.index(step)])
            raise HclError(message, scope.source.place(step.offset), nearest) from None
    return value


def _relative(node: Relative, scope: Scope) -> Value:
    return _stepped(_value(node.subject, scope), node.steps, scope)


def _splat(node: Splat, scope: Scope) -> Value:
    return _splatted(_value(node.subject, scope), node, start(node.subject), scope)


def _splatted(subject: Value, node: Splat | InnerSplat, offset: int, scope: Scope) -> Value:
    """Apply the steps to each element. A value that is not a sequence counts as one element, null as no element."""
    kind = subject.type.kind
    if subject.is_unknown:
        is_list = kind in ("list", "set") and subject.type.element is not None
        stepped = _stepped_type(subject.type.element or DYNAMIC, node.steps)
        return unknown_from((subject,), list_of(stepped) if is_list else DYNAMIC)
    is_sequence = kind in ("list", "set", "tuple")
    if subject.data is None:
        if is_sequence:
            raise scope.error("a splat needs a sequence, but this is null", offset)
        return tuple_value(())
    items = subject.data if is_sequence else (subject,)
    scope.spend(len(items) * (1 + len(node.steps)), node.offset)
    results = [_stepped(item, node.steps, scope) for item in items]
    if kind not in ("list", "set"):
        return scope.admit(tuple_value(results), node.offset)
    if not results:
        assert subject.type.element is not None
        return list_value(_stepped_type(subject.type.element, node.steps), ())
    return scope.admit(list_value(results[0].type, results), node.offset)


def _stepped_type(subject: Type, steps: tuple[Step, ...]) -> Type:
    """Return the type that the steps lead to; DYNAMIC if it depends on the value."""
    for step in steps:
        if isinstance(step, InnerSplat):
            return DYNAMIC
        if subject.element is not None:
            subject = subject.element
        else:
            subject = subject.attributes.get(step.name, DYNAMIC) if isinstance(step, GetAttr) else DYNAMIC
    return subject


def _unary(node: Unary, scope: Scope) -> Value:
    wanted, operation = UNARY[node.operator]
    operand = _operand(_value(node.operand, scope), wanted, node.operand, scope)
    if operand.data is None:
        raise scope.error(f"`{node.operator}` needs a value, but this is null", node.offset)
    return operand if operand.is_unknown else operation(operand)


def _binary(node: Binary, scope: Scope) -> Value:
    wanted, operation, result = BINARY[node.operator]
    left, right = _value(node.left, scope), _value(node.right, scope)
    if wanted is DYNAMIC:
        if not left.type.is_primitive:
            scope.spend(min(extent(left)[0], extent(right)[0]), start(node))
        return unknown_from((left, right), result) if _have_unknowns(left, right) else operation(left, right)
    left, right = _operand(left, wanted, node.left, scope), _operand(right, wanted, node.right, scope)
    scope.spend(number_weight(left) + number_weight(right), start(node))
    if left.data is None or right.data is None:
        raise scope.error(f"`{node.operator}` needs two values, but one is null", start(node))
    if left.is_unknown or right.is_unknown:
        decided = DECIDES.get(node.operator)
        known = next((operand for operand in (left, right) if operand.data is decided), None)
        return known if decided is not None and known else unknown_from((left, right), result)
    try:
        return operation(left, right)
    except NumberError as error:
        raise scope.error(str(error), start(node)) from None


def _have_unknowns(*values: Value) -> bool:
    return any(map(causes_in, values))


def _operand(value: Value, wanted: Type, node: Expression, scope: Scope) -> Value:
    if value.type is wanted:
        return value
    try:
        return convert(value, wanted)
    except ConversionError as error:
        raise scope.error(f"this operand has the wrong type: {error}", start(node)) from None


def _conditional(node: Conditional | TemplateIf, scope: Scope) -> Value:
    return conditional(node, scope, _value)


def _tuple(node: TupleOf, scope: Scope) -> Value:
    return scope.admit(tuple_value([_value(item, scope) for item in node.items]), node.offset)


def _object(node: ObjectOf, scope: Scope) -> Value:
    attributes: dict[str, Value] = {}
    unknown_keys: list[Value] = []
    for key_node, node_of_value in node.items:
        if isinstance(key_node, Literal) and key_node.value.type is STRING:
            attributes[key_node.value.data] = _value(node_of_value, scope)
            continue
        key = _value(key_node, scope)
        value = _value(node_of_value, scope)
        if key.data is None:
            raise scope.error("the key of this value is null", start(node_of_value))
        try:
            name = convert(key, STRING).data
        except ConversionError as error:
            raise scope.error(f"this cannot be a key: {error}", start(key_node)) from None
        if isinstance(name, Unknown):
            unknown_keys.append(key)
        else:
            attributes[name] = value
    if unknown_keys:
        return unknown_from(unknown_keys)
    return scope.admit(object_value(attributes), node.offset)


def _template(node: Template, scope: Scope) -> Value:
    texts: list[str] = []
    unknowns: list[Value] = []
    for part in node.parts:
        value = _value(part, scope)
        if value.data is None:
            raise scope.error("null cannot be part of a text", start(part))
        try:
            text = convert(value, STRING).data
        except ConversionError as error:
            raise scope.error(f"this cannot be part of a text: {error}", start(part)) from None
        if isinstance(text, Unknown):
            unknowns.append(value)
            continue
        scope.spend(text_weight(text), start(part))
        texts.append(text)
    return unknown_from(unknowns, STRING) if unknowns else string("".join(texts))


def _for(node: For, scope: Scope) -> Value:
    return for_values(node, scope, _value)


def _template_for(node: TemplateFor, scope: Scope) -> Value:
    return template_for(node, scope, _value)


def _call(node: Call, scope: Scope) -> Value:
    return call(node, scope, _value)


_EVALUATIONS: dict[type, Callable[[Any, Scope], Value]] = {
    Literal: _literal,
    Traversal: _traversal,
    Relative: _relative,
    Splat: _splat,
    Call: _call,
    Unary: _unary,
    Binary: _binary,
    Conditional: _conditional,
    TupleOf: _tuple,
    ObjectOf: _object,
    For: _for,
    Template: _template,
    Wrapped: _inner,
    TemplateIf: _conditional,
    TemplateFor: _template_for,
    Parenthesized: _inner,
    Embedded: _embedded,
}

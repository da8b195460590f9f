"""Evaluating `for` expressions, and the `for` of templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.nodes import Expression, For, ObjectOf, TemplateFor, Traversal, TupleOf
from frostline.hcl.number import Number
from frostline.hcl.positions import start
from frostline.hcl.scope import Scope
from frostline.hcl.unknowns import unknown_from
from frostline.hcl.values import BOOL, NUMBER, STRING, Unknown, Value, object_value, string, tuple_value

Evaluate = Callable[[Expression, Scope], Value]


def for_values(node: For, scope: Scope, evaluate: Evaluate) -> Value:
    """Evaluate a `for`: a tuple of the results, with keys an object of them, with `...` an object of tuples.

    The result is unknown if the collection, a condition or a key is unknown.
    """
    collection = _collection(node.collection, scope, evaluate)
    if collection.is_unknown:
        return unknown_from((collection,))
    try:
        return _known_for(node, collection, scope, evaluate)
    except _UnknownError as error:
        return unknown_from((error.value,))


class _UnknownError(Exception):
    """The condition or the key for an element is not known."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


def _known_for(node: For, collection: Value, scope: Scope, evaluate: Evaluate) -> Value:
    if node.condition is not None and not collection.data:
        _check_unused(node.condition, {node.key, node.value}, scope, evaluate)
    if node.key_result is None:
        results = [evaluate(node.result, inner) for inner in _scopes(node, collection, scope, evaluate)]
        return scope.admit(tuple_value(results), node.offset)
    single: dict[str, Value] = {}
    groups: dict[str, list[Value]] = {}
    for inner in _scopes(node, collection, scope, evaluate):
        key = _key(node.key_result, inner, evaluate)
        value = evaluate(node.result, inner)
        if node.group:
            groups.setdefault(key, []).append(value)
        elif key in single:
            hint = "`...` after the value collects the values of a key in a tuple"
            raise scope.error(f"two elements have the key `{key}`", start(node.key_result), hint)
        else:
            single[key] = value
    if node.group:
        single = {key: tuple_value(values) for key, values in groups.items()}
    return scope.admit(object_value(single), node.offset)


def template_for(node: TemplateFor, scope: Scope, evaluate: Evaluate) -> Value:
    """Evaluate the `for` of a template: the texts of its body, joined."""
    collection = _collection(node.collection, scope, evaluate)
    if collection.is_unknown:
        return unknown_from((collection,), STRING)
    texts: list[str] = []
    unknowns: list[Value] = []
    for variables in _variables(node, collection):
        text = evaluate(node.body, scope.child(variables))
        if text.is_unknown:
            unknowns.append(text)
            continue
        scope.spend(1 + len(text.data) // 16, node.offset)
        texts.append(text.data)
    return unknown_from(unknowns, STRING) if unknowns else string("".join(texts))


def elements(collection: Value) -> Iterator[tuple[Value, Value]]:
    """Yield the (key, value) of every element, in cty's order; in a set the element is its own key."""
    kind = collection.type.kind
    if kind in ("map", "object"):
        return ((Value(STRING, name), value) for name, value in collection.data.items())
    if kind == "set":
        return ((value, value) for value in collection.data)
    return ((Value(NUMBER, Number(index, 64)), value) for index, value in enumerate(collection.data))


def is_iterable(value: Value) -> bool:
    """Whether it is a collection, or may be one: not null, and not a string, number or bool."""
    return value.data is not None and not value.type.is_primitive


def _collection(node: Expression, scope: Scope, evaluate: Evaluate) -> Value:
    value = evaluate(node, scope)
    if value.data is None:
        raise scope.error("`for` needs a collection, but this is null", start(node))
    if not is_iterable(value):
        raise scope.error(f"`for` needs a collection, but this is a {value.type}", start(node))
    return value


def _variables(node: For | TemplateFor, collection: Value) -> Iterator[dict[str, Value]]:
    for key, value in elements(collection):
        # If both have the same name, it means the value.
        yield {node.value: value} if node.key is None else {node.key: key, node.value: value}


def _scopes(node: For, collection: Value, scope: Scope, evaluate: Evaluate) -> Iterator[Scope]:
    """Yield a scope for each element that meets the condition."""
    for variables in _variables(node, collection):
        inner = scope.child(variables)
        if node.condition is None or _passes(node.condition, inner, evaluate):
            yield inner


def _passes(condition: Expression, scope: Scope, evaluate: Evaluate) -> bool:
    value = evaluate(condition, scope)
    if value.data is None:
        raise scope.error("the `if` of a `for` must be true or false, but this is null", start(condition))
    try:
        passes = convert(value, BOOL)
    except ConversionError as error:
        raise scope.error(f"the `if` of a `for` must be true or false: {error}", start(condition)) from None
    if passes.is_unknown:
        raise _UnknownError(passes)
    return bool(passes.data)


def _check_unused(condition: Expression, names: set[str | None], scope: Scope, evaluate: Evaluate) -> None:
    """Check the condition of a loop without elements, as HCL does, unless it mentions the loop's variables."""
    if isinstance(condition, (TupleOf, ObjectOf)):
        raise scope.error("the `if` of a `for` must be true or false", start(condition))
    if not _mentions(condition, names):
        _passes(condition, scope, evaluate)


def _mentions(node: object, names: set[str | None]) -> bool:
    """Whether the expression mentions a variable of these names."""
    if isinstance(node, Traversal) and node.root in names:
        return True
    if isinstance(node, tuple):
        return any(_mentions(part, names) for part in node)
    return isinstance(node, Struct) and any(_mentions(getattr(node, name), names) for name in node.__struct_fields__)


def _key(node: Expression, scope: Scope, evaluate: Evaluate) -> str:
    value = evaluate(node, scope)
    if value.data is None:
        raise scope.error("the key of an element is null", start(node))
    try:
        text = convert(value, STRING).data
    except ConversionError as error:
        raise scope.error(f"this cannot be a key: {error}", start(node)) from None
    if isinstance(text, Unknown):
        raise _UnknownError(value)
    return str(text)

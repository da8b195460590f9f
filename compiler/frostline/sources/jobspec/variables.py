"""The variables and locals of a job file: declared in it, set by the configuration, var files and the environment.

The precedence is Nomad's (jobspec2, types.variables.go): the configuration over var files over the environment over
the default. Texts in the configuration count as values of `-var`; lists and maps are taken as they are. A variable that
is set nowhere is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from msgspec import Struct

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.evaluation import evaluate
from frostline.hcl.functions.base import Function
from frostline.hcl.nodes import AttributeNode, BlockNode, Body, Call, Embedded, Expression, GetAttr, Traversal
from frostline.hcl.number import Number
from frostline.hcl.positions import point
from frostline.hcl.scope import Budget, Scope, Undefined
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse_expression
from frostline.hcl.typeexpr import parse_type
from frostline.hcl.unknowns import unknown
from frostline.hcl.values import (
    BOOL,
    DYNAMIC,
    NULL,
    NUMBER,
    STRING,
    Type,
    Value,
    boolean,
    number,
    object_value,
    string,
    tuple_value,
)
from frostline.model import FileOrigin
from frostline.text import did_you_mean

_ARGUMENTS = ("default", "description", "type")
_CONSTANT_HELP = "write the value itself, or put the expression into `locals`"


class Given(Struct, frozen=True, kw_only=True):
    """Values of variables from outside of the job file. environment: NOMAD_VAR_name -> value. files: var files.

    configured: name -> plain value; `places` has the place of each in the configuration.
    """

    environment: Mapping[str, str] = {}
    files: Sequence[Body] = ()
    configured: Mapping[str, Any] = {}
    places: Mapping[str, FileOrigin] = {}

    def names(self) -> Iterator[tuple[str, FileOrigin]]:
        """Yield the names that var files and the configuration set, with their places."""
        for body in self.files:
            for name, attribute in body.attributes.items():
                yield name, body.source.place(attribute.offset)
        yield from self.places.items()


class Context(Struct, frozen=True, kw_only=True):
    """What an evaluation needs apart from variables."""

    functions: Mapping[str, Function]
    undefined: Undefined
    budget: Budget

    def scope(self, source: Source, variables: Mapping[str, Value]) -> Scope:
        return Scope(source, variables, functions=self.functions, undefined=self.undefined, budget=self.budget)


class _Variable(Struct):
    name: str
    place: FileOrigin
    type: Type | None = None
    value: Value | None = None
    value_place: FileOrigin | None = None
    validations: tuple[BlockNode, ...] = ()


class Variables(Struct, frozen=True):
    """declared: the variables that a file declares. unset: the declared ones without a value -> place, sorted by
    place."""

    declared: frozenset[str]
    unset: Mapping[str, FileOrigin]


def make_scope(body: Body, given: Given, context: Context) -> tuple[Scope, Variables]:
    """Make the scope of the file's job block, with `var` and `local`. Returns also its variables.

    HclError: the first error.
    """
    variables = _read_declarations(body, context)
    for variable in variables.values():
        for value, place in _assignments(variable, given, context):
            variable.value, variable.value_place = _convert_to_type(value, variable, place), place
    values: dict[str, Value] = {}
    unset: dict[str, FileOrigin] = {}
    for name, variable in variables.items():
        if variable.value is None:
            unset[name] = variable.place
            values[name] = unknown(variable.type or DYNAMIC, (f"var.{name}",))
            continue
        values[name] = variable.value
        _validate(variable, body.source, context)
    var = object_value(values)
    local = object_value(_evaluate_locals(body, var, context))
    places = dict(sorted(unset.items(), key=lambda item: (item[1], item[0])))
    return context.scope(body.source, {"var": var, "local": local}), Variables(frozenset(variables), places)


def _evaluate_constant(expression: Expression, source: Source, context: Context) -> Value:
    """Evaluate an expression in which HCL allows no variables and no functions."""
    for part in walk(expression):
        if isinstance(part, Call):
            raise HclError("functions may not be used here", source.place(part.offset), _CONSTANT_HELP)
    return evaluate(expression, Scope(source, {}, {}, _no_variables, context.budget))


def _no_variables(traversal: Traversal, source: Source) -> Value | None:
    raise HclError("variables may not be used here", source.place(traversal.offset), _CONSTANT_HELP)


def _read_declarations(body: Body, context: Context) -> dict[str, _Variable]:
    found: dict[str, _Variable] = {}
    source = body.source
    for block in body.blocks:
        if block.kind == "variable":
            variable = _read_variable(block, source, context)
            _add_variable(found, variable)
        elif block.kind == "variables":
            for name, attribute in _require_attributes_only(block, source).items():
                value = _evaluate_constant(attribute.expression, source, context)
                place = source.place(attribute.offset)
                _add_variable(found, _Variable(name, place, value.type, value, source.place(attribute.start)))
    return found


def _add_variable(found: dict[str, _Variable], variable: _Variable) -> None:
    if variable.name in found:
        raise HclError(
            f"the variable `{variable.name}` is declared twice, first at {found[variable.name].place}", variable.place
        )
    found[variable.name] = variable


def _read_variable(block: BlockNode, source: Source, context: Context) -> _Variable:
    if len(block.labels) != 1:
        raise HclError("a block `variable` has one label, its name", source.place(block.offset))
    variable = _Variable(block.labels[0][0], source.place(block.offset))
    attributes = block.body.attributes
    for name, attribute in attributes.items():
        if name not in _ARGUMENTS:
            raise HclError(
                f"unknown argument `{name}`",
                source.place(attribute.offset),
                help=did_you_mean(name, _ARGUMENTS, _known_help(_ARGUMENTS)),
            )
    for inner in block.body.blocks:
        if inner.kind != "validation":
            raise HclError(f"unknown block `{inner.kind}`", source.place(inner.offset), help="known here: `validation`")
    if "type" in attributes:
        written = attributes["type"].expression
        if isinstance(written, Embedded):
            variable.type = parse_type(written.inner, written.source, exact=True)
        else:
            variable.type = parse_type(written, source, exact=True)
    if "default" in attributes:
        default = attributes["default"]
        place = source.place(default.start)
        value = _evaluate_constant(default.expression, source, context)
        variable.value, variable.value_place = _convert_to_type(value, variable, place), place
        variable.type = variable.type or value.type
    variable.validations = block.body.blocks
    return variable


def _known_help(names: Sequence[str]) -> str:
    return f"known here: {', '.join(f'`{name}`' for name in names)}"


def _assignments(variable: _Variable, given: Given, context: Context) -> Iterator[tuple[Value, FileOrigin]]:
    """Yield the values that are set for the variable, by rising precedence."""
    name = variable.name
    if (text := given.environment.get(f"NOMAD_VAR_{name}")) is not None:
        place = FileOrigin(f"$NOMAD_VAR_{name}")
        yield _parse_text(text, variable, place, context), place
    for body in given.files:
        if attribute := body.attributes.get(name):
            value = _evaluate_constant(attribute.expression, body.source, context)
            yield value, body.source.place(attribute.start)
    if name in given.configured:
        plain, place = given.configured[name], given.places[name]
        if isinstance(plain, str) and _is_expression(variable):
            yield _parse_text(plain, variable, place, context), place
        else:
            yield value_of(plain), place


def _is_expression(variable: _Variable) -> bool:
    return variable.type not in (None, STRING, NUMBER)


def _parse_text(text: str, variable: _Variable, place: FileOrigin, context: Context) -> Value:
    """Return the value of a text. For a string or number it is the text itself, for other types an expression."""
    if not _is_expression(variable):
        return string(text)
    try:
        source = Source(place.path, text.encode())
        return _evaluate_constant(parse_expression(source), source, context)
    except HclError as error:
        # The error's own place is inside the text, not in a file.
        raise HclError(f"the value of the variable `{variable.name}`: {error.message}", place, error.help) from None


def value_of(plain: Any) -> Value:
    """Convert a plain value from YAML or JSON to an HCL value."""
    match plain:
        case None:
            return NULL
        case bool():
            return boolean(plain)
        case int():
            return number(plain)
        case float():
            return number(Number.parse(repr(plain)))
        case Mapping():
            return object_value({str(name): value_of(value) for name, value in plain.items()})
        case list() | tuple():
            return tuple_value(value_of(item) for item in plain)
        case _:
            return string(str(plain))


def _convert_to_type(value: Value, variable: _Variable, place: FileOrigin) -> Value:
    if variable.type is None:
        return value
    try:
        return convert(value, variable.type)
    except ConversionError as error:
        why = "" if variable.type.is_primitive else f": {error}"
        raise HclError(
            f"the value of the variable `{variable.name}` is not a {variable.type}{why}",
            place,
            help=f"its type is declared at {variable.place}",
        ) from None


def _validate(variable: _Variable, source: Source, context: Context) -> None:
    for block in variable.validations:
        attributes = block.body.attributes
        for name in ("condition", "error_message"):
            if name not in attributes:
                raise HclError(f"a block `validation` needs the argument `{name}`", source.place(block.offset))
        assert variable.value is not None
        own = context.scope(source, {"var": object_value({variable.name: variable.value})})
        condition = _convert_condition(
            evaluate(attributes["condition"].expression, own), source, attributes["condition"]
        )
        if condition is False:
            message = evaluate(attributes["error_message"].expression, context.scope(source, {}))
            raise HclError(
                f"the value of the variable `{variable.name}` is not allowed: {message.data}",
                variable.value_place or variable.place,
                help=f"the rule is at {source.place(block.offset)}",
            )


def _convert_condition(value: Value, source: Source, attribute: AttributeNode) -> bool | None:
    """Convert a condition to a bool, or None if it is not known."""
    try:
        converted = convert(value, BOOL)
    except ConversionError:
        converted = NULL
    if converted.is_null:
        raise HclError("a condition must be true or false", source.place(point(attribute.expression, source)))
    return None if converted.is_unknown else bool(converted.data)


def _evaluate_locals(body: Body, var: Value, context: Context) -> dict[str, Value]:
    """Evaluate all locals, each after those that it refers to. HclError: locals refer to each other in a circle."""
    expressions: dict[str, AttributeNode] = {}
    source = body.source
    for block in body.blocks:
        if block.kind != "locals":
            continue
        for name, attribute in _require_attributes_only(block, source).items():
            if name in expressions:
                first = source.place(expressions[name].offset)
                raise HclError(f"the local `{name}` is defined twice, first at {first}", source.place(attribute.offset))
            expressions[name] = attribute
    # Sorted, so that the same error is reported whatever the hash seed.
    needs = {
        name: sorted(_find_locals(attribute.expression) & expressions.keys()) for name, attribute in expressions.items()
    }
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = error.args[1]
        chain = " -> ".join(f"local.{name}" for name in reversed(circle))
        place = source.place(min(expressions[name].offset for name in circle))
        help_line = "write out the value of one of them"
        raise HclError(f"locals refer to each other in a circle: {chain}", place, help_line) from None
    dynamic = {name for name, attribute in expressions.items() if _takes_all_locals(attribute.expression)}
    values: dict[str, Value] = {}
    for name in order:
        seen = values if name in dynamic else {needed: values[needed] for needed in needs[name]}
        scope = context.scope(source, {"var": var, "local": object_value(seen)})
        scope.spend(len(seen), expressions[name].offset)
        values[name] = evaluate(expressions[name].expression, scope)
    return values


def _require_attributes_only(block: BlockNode, source: Source) -> Mapping[str, AttributeNode]:
    for inner in block.body.blocks:
        raise HclError(f"a block is not allowed here: `{inner.kind}`", source.place(inner.offset))
    return block.body.attributes


def _find_locals(node: Expression) -> set[str]:
    """Return the names of all `local.NAME` in the expression."""
    return {
        part.steps[0].name
        for part in walk(node)
        if isinstance(part, Traversal) and part.root == "local" and part.steps and isinstance(part.steps[0], GetAttr)
    }


def _takes_all_locals(node: Expression) -> bool:
    """Whether the expression has a `local` without a name after it, as in `local[key]`."""
    return any(
        isinstance(part, Traversal) and part.root == "local" and not (part.steps and isinstance(part.steps[0], GetAttr))
        for part in walk(node)
    )


def walk(node: Expression) -> Iterator[Struct]:
    """Yield the expression and all its parts."""
    waiting: list[Any] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting.extend(reversed(part))
        elif isinstance(part, Struct):
            yield part
            waiting.extend(getattr(part, field) for field in reversed(part.__struct_fields__))

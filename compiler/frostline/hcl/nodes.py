"""The syntax tree: bodies with attributes and blocks, and expressions.

Every node has the byte offset, in its source, of the character that errors about the node point to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal as OneOf

from msgspec import Struct

from frostline.hcl.source import Source
from frostline.hcl.values import Value

# gc=False saves time: a tree has no cycles, and a file has thousands of nodes.


class Literal(Struct, frozen=True, gc=False):
    """A number, true, false, null, or a string without interpolation (its escapes resolved)."""

    offset: int
    value: Value


class GetAttr(Struct, frozen=True, gc=False):
    """A step `.name`. offset: of the dot. `.0` is a GetIndex with the number 0 (legacy syntax)."""

    offset: int
    name: str


class GetIndex(Struct, frozen=True, gc=False):
    """A step `[key]`. offset: of the bracket."""

    offset: int
    key: Expression


class InnerSplat(Struct, frozen=True, gc=False):
    """A splat among the steps of another splat, such as the second one in `a[*].b[*].c`. steps: the steps after it."""

    offset: int
    steps: tuple[Step, ...] = ()


Step = GetAttr | GetIndex | InnerSplat


class Traversal(Struct, frozen=True, gc=False):
    """A variable `root` and the steps that follow it."""

    offset: int
    root: str
    steps: tuple[Step, ...] = ()


class Relative(Struct, frozen=True, gc=False):
    """Steps that follow another expression."""

    offset: int
    subject: Expression
    steps: tuple[Step, ...]


class Splat(Struct, frozen=True, gc=False):
    """`subject[*]…` or `subject.*…`. steps: apply to each element; after `.*` only steps with a dot."""

    offset: int
    subject: Expression
    steps: tuple[Step, ...] = ()


class Call(Struct, frozen=True, gc=False):
    """`name(arguments)`. expand: `...` follows the last argument. end: the offset after the closing parenthesis."""

    offset: int
    name: str
    arguments: tuple[Expression, ...]
    expand: bool = False
    end: int = 0


class Unary(Struct, frozen=True, gc=False):
    offset: int
    operator: OneOf["-", "!"]
    operand: Expression


class Binary(Struct, frozen=True, gc=False):
    offset: int
    operator: str
    left: Expression
    right: Expression


class Conditional(Struct, frozen=True, gc=False):
    offset: int
    condition: Expression
    yes: Expression
    no: Expression


class TupleOf(Struct, frozen=True, gc=False):
    offset: int
    items: tuple[Expression, ...]


class ObjectOf(Struct, frozen=True, gc=False):
    """`{key = value}`. items: (key, value); a bare name as the key is a Literal string."""

    offset: int
    items: tuple[tuple[Expression, Expression], ...]


class For(Struct, frozen=True, gc=False):
    """`[for key, value in collection : result if condition]`, or `{for … : key_result => result}`.

    key: None if the `for` names one variable only. group: `...` follows the result.
    """

    offset: int
    key: str | None
    value: str
    collection: Expression
    result: Expression
    key_result: Expression | None = None
    condition: Expression | None = None
    group: bool = False


class Template(Struct, frozen=True, gc=False):
    """A template: the texts of its parts are joined. A single interpolation (`"${x}"`) is a Wrapped instead."""

    offset: int
    parts: tuple[Expression, ...]


class Wrapped(Struct, frozen=True, gc=False):
    """`"${inner}"`: the inner value, whatever its type."""

    offset: int
    inner: Expression


class TemplateIf(Struct, frozen=True, gc=False):
    """`%{ if condition }yes%{ else }no%{ endif }`."""

    offset: int
    condition: Expression
    yes: Expression
    no: Expression


class TemplateFor(Struct, frozen=True, gc=False):
    """`%{ for key, value in collection }body%{ endfor }`."""

    offset: int
    key: str | None
    value: str
    collection: Expression
    body: Expression


class Parenthesized(Struct, frozen=True, gc=False):
    offset: int
    inner: Expression


class Embedded(Struct, frozen=True, gc=False):
    """An expression inside another text, such as a template in a JSON string. offset: of that string in the file."""

    offset: int
    inner: Expression
    source: Source


Expression = (
    Literal
    | Traversal
    | Relative
    | Splat
    | Call
    | Unary
    | Binary
    | Conditional
    | TupleOf
    | ObjectOf
    | For
    | Template
    | Wrapped
    | TemplateIf
    | TemplateFor
    | Parenthesized
    | Embedded
)


class AttributeNode(Struct, frozen=True, gc=False):
    """`name = expression`. offset: of the name; start: of the expression."""

    offset: int
    name: str
    expression: Expression
    start: int


class BlockNode(Struct, frozen=True, gc=False):
    """`kind "label" {…}`. offset: of the kind. labels: (label, offset)."""

    offset: int
    kind: str
    labels: tuple[tuple[str, int], ...]
    body: Body


class Body(Struct, frozen=True, gc=False):
    """Attributes by name, and blocks, in the order written. offset: of the opening brace; 0 for the body of a file."""

    offset: int
    source: Source
    attributes: Mapping[str, AttributeNode]
    blocks: tuple[BlockNode, ...]

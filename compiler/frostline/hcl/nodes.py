"""The syntax tree: bodies with attributes and blocks, and expressions. Made by `syntax`, read by `evaluation`.

`at` is the byte offset, in the source, of the character that errors about the node point to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal as OneOf

from msgspec import Struct

from frostline.hcl.source import Source
from frostline.hcl.values import Value

# gc=False: a tree has no cycles, and a file has thousands of nodes.


class Literal(Struct, frozen=True, gc=False):
    """A number, true, false, null, or a string without interpolation (its escapes resolved)."""

    at: int
    value: Value


class GetAttr(Struct, frozen=True, gc=False):
    """A step `.name`; `at` is the dot's. `.0` is an Index by the number 0 (legacy syntax)."""

    at: int
    name: str


class GetIndex(Struct, frozen=True, gc=False):
    """A step `[key]`; `at` is the bracket's."""

    at: int
    key: Expression


class GetEach(Struct, frozen=True, gc=False):
    """A further splat among the steps that a splat does to each element: `a[*].b[*].c`; each: the steps behind it."""

    at: int
    each: tuple[Step, ...] = ()


Step = GetAttr | GetIndex | GetEach


class Traversal(Struct, frozen=True, gc=False):
    """A variable `root` and the steps that follow it."""

    at: int
    root: str
    steps: tuple[Step, ...] = ()


class Relative(Struct, frozen=True, gc=False):
    """Steps that follow another expression."""

    at: int
    subject: Expression
    steps: tuple[Step, ...]


class Splat(Struct, frozen=True, gc=False):
    """`subject[*]…` or `subject.*…`; each: the steps done to each element (of `.*`: attributes only)."""

    at: int
    subject: Expression
    each: tuple[Step, ...] = ()


class Call(Struct, frozen=True, gc=False):
    """name(arguments), the last one with `...` where expand. end: the offset behind the closing parenthesis."""

    at: int
    name: str
    arguments: tuple[Expression, ...]
    expand: bool = False
    end: int = 0


class Unary(Struct, frozen=True, gc=False):
    at: int
    operator: OneOf["-", "!"]
    operand: Expression


class Binary(Struct, frozen=True, gc=False):
    at: int
    operator: str
    left: Expression
    right: Expression


class Conditional(Struct, frozen=True, gc=False):
    at: int
    condition: Expression
    yes: Expression
    no: Expression


class TupleOf(Struct, frozen=True, gc=False):
    at: int
    items: tuple[Expression, ...]


class ObjectOf(Struct, frozen=True, gc=False):
    """Keys are expressions: a bare name is a Literal string; `(expression)` is the expression."""

    at: int
    items: tuple[tuple[Expression, Expression], ...]


class For(Struct, frozen=True, gc=False):
    """`[for key, value in collection : result if condition]`, or with `{` and a key_result an object.

    key: None where the source names one variable. group: `...` behind the result.
    """

    at: int
    key: str | None
    value: str
    collection: Expression
    result: Expression
    key_result: Expression | None = None
    condition: Expression | None = None
    group: bool = False


class Template(Struct, frozen=True, gc=False):
    """Parts whose texts are joined. One interpolation alone (`"${x}"`) is a Wrapped, not this."""

    at: int
    parts: tuple[Expression, ...]


class Wrapped(Struct, frozen=True, gc=False):
    """`"${inner}"`: the inner value, whatever its type."""

    at: int
    inner: Expression


class TemplateIf(Struct, frozen=True, gc=False):
    """`%{ if condition }yes%{ else }no%{ endif }`."""

    at: int
    condition: Expression
    yes: Expression
    no: Expression


class TemplateFor(Struct, frozen=True, gc=False):
    """`%{ for key, value in collection }body%{ endfor }`."""

    at: int
    key: str | None
    value: str
    collection: Expression
    body: Expression


class Parenthesized(Struct, frozen=True, gc=False):
    at: int
    inner: Expression


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
)


class AttributeNode(Struct, frozen=True, gc=False):
    """`name = expression`; at: the name's offset, start: the expression's first byte."""

    at: int
    name: str
    expression: Expression
    start: int


class BlockNode(Struct, frozen=True, gc=False):
    """`kind "label" {…}`; at: the kind's offset; labels with their offsets."""

    at: int
    kind: str
    labels: tuple[tuple[str, int], ...]
    body: Body


class Body(Struct, frozen=True, gc=False):
    """Attributes by name, and blocks, in the order written. at: the opening brace (0 for a file's own body)."""

    at: int
    source: Source
    attributes: Mapping[str, AttributeNode]
    blocks: tuple[BlockNode, ...]

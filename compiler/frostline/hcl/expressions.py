"""From tree-sitter's nodes of an expression to ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import ascii_letters, digits
from typing import Any

from frostline.hcl.lines import check_gap, check_lines
from frostline.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    GetAttr,
    GetEach,
    GetIndex,
    Literal,
    ObjectOf,
    Parenthesized,
    Relative,
    Splat,
    Step,
    Traversal,
    TupleOf,
    Unary,
)
from frostline.hcl.number import Number, NumberError
from frostline.hcl.positions import start
from frostline.hcl.source import HclError, Source
from frostline.hcl.templates import heredoc_template, quoted_template, unescaped
from frostline.hcl.values import FALSE, NULL, TRUE, number, string

MOST_LEVELS = 100
"""How deep expressions nest at most."""

_STEPS = frozenset({"get_attr", "index", "splat"})
_SEQUENCE = re.compile(rb"(?<!\$)\$\{|(?<!%)%\{")
_NAME = frozenset(ascii_letters + digits + "_-")
_CONSTANTS = {"true": TRUE, "false": FALSE}


class Builder:
    """Builds the expressions of one source. text: what the nodes were read from, with the source's offsets."""

    def __init__(self, source: Source, text: bytes) -> None:
        self.source = source
        self.text = text
        self._data = source.data
        self._level = 0
        self._dispatch: dict[str, Callable[[Any], Expression]] = {
            "literal_value": self._literal,
            "variable_expr": self._variable,
            "template_expr": self._template,
            "collection_value": self._collection,
            "function_call": self._call,
            "for_expr": self._for,
            "operation": self._operation,
            "conditional": self._conditional,
        }

    def error(self, message: str, at: int, help: str | None = None) -> HclError:  # noqa: A002
        return HclError(message, self.source.place(at), help)

    def expression(self, node: Any) -> Expression:
        """A node `expression`."""
        children = node.children
        if len(children) == 1:
            return self._primary(children[0])
        return self._sequence(children, 0)[0]

    def _primary(self, node: Any) -> Expression:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise self.error("the expression is nested too deeply", node.start_byte)
        try:
            return self._dispatch[node.type](node)
        finally:
            self._level -= 1

    def _sequence(self, children: Sequence[Any], at: int) -> tuple[Expression, int]:
        """An operand with the steps that follow it, and where it ends."""
        first = children[at]
        while first.type == "comment":
            at += 1
            first = children[at]
        if first.type == "(":
            self._level += 1
            inner = next(child for child in children[at + 1 :] if child.type != "comment")
            if self._level > MOST_LEVELS:
                raise self.error("the expression is nested too deeply", first.start_byte)
            subject: Expression = Parenthesized(first.start_byte, self.expression(inner))
            self._level -= 1
            at += 1
            while children[at].type != ")":
                at += 1
            at += 1
        else:
            subject = self._primary(first)
            at += 1
        steps: list[Any] = []
        while at < len(children) and (children[at].type in _STEPS or children[at].type == "comment"):
            if children[at].type != "comment":
                steps.append(children[at])
            at += 1
        return (self._followed(subject, steps) if steps else subject), at

    # --- traversals ---------------------------------------------------------------------------------------------------

    def _followed(self, subject: Expression, nodes: Sequence[Any]) -> Expression:
        steps: list[Step] = []
        for index, node in enumerate(nodes):
            if node.type == "splat":
                return self._splat(_stepped(subject, steps), nodes[index:])
            steps.append(self._step(node))
        return _stepped(subject, steps)

    def _step(self, node: Any) -> Step:
        at = node.start_byte
        if node.type == "get_attr":
            name = node.named_children[-1]
            return GetAttr(at, self._data[name.start_byte : name.end_byte].decode())
        inner = node.children[0]
        if inner.type == "legacy_index":
            # The digits are no node of their own in the grammar.
            end = inner.end_byte
            if self._data[end : end + 1] == b"." and self._data[end + 1 : end + 2].isdigit():
                raise self.error("two indexes with dots can't follow each other", at + 1, help="write [0][1]")
            first = end - len(self._data[at + 1 : end].split()[-1])
            return GetIndex(at, Literal(first, number(self._number(first, end))))
        key = next(child for child in inner.named_children if child.type == "expression")
        return GetIndex(at, self.expression(key))

    def _splat(self, subject: Expression, nodes: Sequence[Any]) -> Expression:
        """`[*]` takes all steps that follow it along, `.*` the attributes that follow it directly."""
        marker, rest, taken = self._splat_parts(nodes)
        return self._followed(Splat(marker.start_byte, subject, self._each(rest[:taken])), rest[taken:])

    def _each(self, nodes: Sequence[Any]) -> tuple[Step, ...]:
        steps: list[Step] = []
        for index, node in enumerate(nodes):
            if node.type == "splat":
                marker, rest, taken = self._splat_parts(nodes[index:])
                each = GetEach(marker.start_byte, self._each(rest[:taken]))
                return (*steps, each, *self._each(rest[taken:]))
            steps.append(self._step(node))
        return tuple(steps)

    def _splat_parts(self, nodes: Sequence[Any]) -> tuple[Any, list[Any], int]:
        """The marker of a splat, what follows it, and how many of these it takes along to each element."""
        inner = nodes[0].children[0]
        marker, *own = [child for child in inner.children if child.type != "comment"]
        rest = [*own, *nodes[1:]]
        if inner.type == "full_splat":
            return marker, rest, len(rest)
        taken = 0
        while taken < len(rest) and self._is_dotted(rest[taken]):
            taken += 1
        if taken < len(rest) and rest[taken].type == "splat" and rest[taken].children[0].type == "attr_splat":
            raise self.error("a `.*` can't follow another one", rest[taken].start_byte + 1, help="write [*]")
        return marker, rest, taken

    @staticmethod
    def _is_dotted(node: Any) -> bool:
        return node.type == "get_attr" or bool(node.type == "index" and node.children[0].type == "legacy_index")

    # --- operands -----------------------------------------------------------------------------------------------------

    def _literal(self, node: Any) -> Expression:
        inner = node.children[0]
        at = inner.start_byte
        match inner.type:
            case "numeric_lit":
                return Literal(at, number(self._number(at, inner.end_byte)))
            case "bool_lit":
                return Literal(at, _CONSTANTS[inner.children[0].type])
            case "null_lit":
                return Literal(at, NULL)
            case _:
                return Literal(at, string(self.label(inner)))

    def _number(self, start: int, end: int) -> Number:
        text = self._data[start:end]
        if text.isdigit():
            if len(text) < 19:
                return Number(int(text))
        elif text[:2] in (b"0x", b"0X"):
            raise self.error("there are no hexadecimal numbers", start + 1, help='write parseint("ff", 16)')
        try:
            return Number.parse(text.decode())
        except NumberError as error:
            raise self.error(str(error), start) from None

    def label(self, node: Any) -> str:
        """The text of a quoted string, which has no interpolation."""
        start, end = node.start_byte + 1, node.end_byte - 1
        if found := _SEQUENCE.search(self._data, start, end):
            raise self.error("this text is taken as it is, without interpolation", found.start())
        return unescaped(self._data[start:end], start, self.source)

    def _variable(self, node: Any) -> Expression:
        name = self._text(node)
        if "::" in name:
            raise self.error("a name with `::` is a function's, and a call has parentheses", node.end_byte)
        return Traversal(node.start_byte, name)

    def _template(self, node: Any) -> Expression:
        inner = node.children[0]
        if inner.type == "quoted_template":
            return quoted_template(inner, self.source, self.expression)
        return heredoc_template(inner, self.source, self.expression)

    def _collection(self, node: Any) -> Expression:
        inner = node.children[0]
        named = [child for child in inner.named_children if child.type != "comment"]
        if inner.type == "tuple":
            items = (self.expression(child) for child in named if child.type == "expression")
            return TupleOf(inner.start_byte, tuple(items))
        return self._object(inner, [child for child in named if child.type == "object_elem"])

    def _object(self, node: Any, elements: Sequence[Any]) -> Expression:
        items: list[tuple[Expression, Expression]] = []
        last = -1
        for element in elements:
            start = element.start_byte
            if last >= 0:
                check_gap(last, start, self.text, self.source, last=False)
            last = element.end_byte
            if b"\n" in self.text[start:last]:
                check_lines(element, self.text, self.source)
            key, value = (child for child in element.named_children if child.type == "expression")
            items.append((self._key(key), self.expression(value)))
        if last >= 0:
            check_gap(last, node.end_byte - 1, self.text, self.source, last=True)
        return ObjectOf(node.start_byte, tuple(items))

    def _key(self, node: Any) -> Expression:
        """A bare name is a string; anything else is evaluated."""
        children = node.children
        if len(children) == 1 and (children[0].type == "variable_expr" or self._is_keyword(children[0])):
            return Literal(node.start_byte, string(self._data[node.start_byte : node.end_byte].decode()))
        key = self.expression(node)
        if isinstance(key, Traversal):
            raise self.error(
                "an object's key is a name or a string",
                node.start_byte,
                help="put an expression in parentheses: (var.name) = …",
            )
        return key

    @staticmethod
    def _is_keyword(node: Any) -> bool:
        return node.type == "literal_value" and node.children[0].type in ("null_lit", "bool_lit")

    def _call(self, node: Any) -> Expression:
        name = node.children[0]
        arguments: tuple[Expression, ...] = ()
        expand = False
        for child in node.named_children[1:]:
            if child.type == "function_arguments":
                named = [one for one in child.named_children if one.type != "comment"]
                arguments = tuple(self.expression(one) for one in named if one.type == "expression")
                expand = bool(named) and named[-1].type == "ellipsis"
        text = self._data[name.start_byte : name.end_byte].decode()
        return Call(node.start_byte, text, arguments, expand, node.end_byte)

    def _for(self, node: Any) -> Expression:
        inner = node.children[0]
        intro, *rest = (child for child in inner.named_children[1:] if child.type != "comment")
        key, value, collection = self.for_intro(intro)
        results = [self.expression(child) for child in rest if child.type == "expression"]
        conditions = [child for child in rest if child.type == "for_cond"]
        condition = None
        if conditions:
            self.check_words(conditions[0])
            condition = self.expression(conditions[0].named_children[-1])
        return For(
            inner.start_byte,
            key,
            value,
            collection,
            results[-1],
            results[0] if inner.type == "for_object_expr" else None,
            condition,
            any(child.type == "ellipsis" for child in rest),
        )

    def for_intro(self, node: Any) -> tuple[str | None, str, Expression]:
        """`for key, value in collection`."""
        self.check_words(node)
        names = [self._text(child) for child in node.named_children if child.type == "identifier"]
        collection = next(child for child in node.named_children if child.type == "expression")
        return (names[0] if len(names) == 2 else None), names[-1], self.expression(collection)

    def check_words(self, node: Any) -> None:
        """`for`, `in` and `if` end where they end: `inm` is a name."""
        for child in node.children:
            end = child.end_byte
            if child.type in ("for", "in", "if") and (self._data[end] > 127 or chr(self._data[end]) in _NAME):
                raise self.error(f"behind `{child.type}` there is a space", end)

    def _text(self, node: Any) -> str:
        return self._data[node.start_byte : node.end_byte].decode()

    # --- operations ---------------------------------------------------------------------------------------------------

    def _operation(self, node: Any) -> Expression:
        inner = node.children[0]
        children = inner.children
        if inner.type == "unary_operation":
            operand, _ = self._sequence(children, 1)
            return Unary(inner.start_byte, children[0].type, operand)
        left, at = self._sequence(children, 0)
        while children[at].type == "comment":
            at += 1
        right, _ = self._sequence(children, at + 1)
        return Binary(inner.start_byte, children[at].type, left, right)

    def _conditional(self, node: Any) -> Expression:
        condition, yes, no = (self.expression(child) for child in node.named_children if child.type == "expression")
        return _chained(condition, yes, no)


def _chained(condition: Expression, yes: Expression, no: Expression) -> Expression:
    """`a ? b : c ? d : e` goes on with the last branch, where the grammar takes it for `(a ? b : c) ? d : e`."""
    if isinstance(condition, Conditional):
        return Conditional(condition.at, condition.condition, condition.yes, _chained(condition.no, yes, no))
    return Conditional(start(condition), condition, yes, no)


def _stepped(subject: Expression, steps: Sequence[Step]) -> Expression:
    if not steps:
        return subject
    if isinstance(subject, Traversal):
        return Traversal(subject.at, subject.root, (*subject.steps, *steps))
    return Relative(subject.at, subject, tuple(steps))

"""The parser of expressions, following hclsyntax/parser.go."""

from __future__ import annotations

from typing import Literal as OneOf

from frostline.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    GetAttr,
    GetIndex,
    InnerSplat,
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
from frostline.hcl.positions import is_computed, start
from frostline.hcl.template_parser import TemplateParser
from frostline.hcl.values import FALSE, NULL, TRUE, number, string

_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
_PRECEDENCES = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
_CONSTANTS = {"true": TRUE, "false": FALSE, "null": NULL}


class ExpressionParser(TemplateParser):
    """Parses expressions. Raises HclError for the first syntax error."""

    def expression(self) -> Expression:
        self.enter_level()
        expression = self._operation()
        if self.take("?"):
            yes = self.expression()
            self.expect(":", "a conditional needs a colon: `condition ? yes : no`")
            expression = Conditional(start(expression), expression, yes, self.expression())
        self.leave_level()
        return expression

    def _operation(self) -> Expression:
        """Parse operands with binary operators between them; operators of higher precedence bind first."""
        first = self._operand()
        if self.kind not in _PRECEDENCES:
            return first
        operands = [(first, 0)]
        operators: list[str] = []
        while (precedence := _PRECEDENCES.get(self.kind)) is not None:
            while operators and _PRECEDENCES[operators[-1]] >= precedence:
                self._combine(operands, operators.pop())
            operators.append(self.kind)
            self.advance()
            operands.append((self._operand(), 0))
        while operators:
            self._combine(operands, operators.pop())
        return operands[0][0]

    def _combine(self, operands: list[tuple[Expression, int]], operator: str) -> None:
        """Replace the last two operands by their operation. operands: (expression, height of its tree)."""
        right, right_height = operands.pop()
        left, left_height = operands.pop()
        height = max(left_height, right_height) + 1
        self.check_depth(height)
        operands.append((Binary(start(left), operator, left, right), height))

    def _operand(self) -> Expression:
        offset = self.start
        if self.kind == "-" or self.kind == "!":
            operator: OneOf["-", "!"] = "-" if self.kind == "-" else "!"
            self.advance()
            self.enter_level()
            operand = self._operand()
            self.leave_level()
            return Unary(offset, operator, operand)
        subject = self._primary()
        return self._followed(subject) if self.kind in (".", "[") else subject

    def _primary(self) -> Expression:
        match self.kind:
            case "name":
                return self._name()
            case "string":
                return self._string()
            case "number":
                return self._number()
            case "quote":
                return self.quoted()
            case "heredoc":
                return self.heredoc()
            case "[":
                return self._tuple()
            case "{":
                return self._object()
            case "(":
                return self._parenthesized()
        raise self.error("an expression is expected here")

    def _name(self) -> Expression:
        offset, name = self.start, self.text()
        self.advance()
        if self.kind == "::":
            parts = [name]
            while self.take("::"):
                parts.append(self.word())
                self.expect("name", "a name is expected after `::`")
            name = "::".join(parts)
            if self.kind != "(":
                raise self.error("a name with `::` must be a function call, with parentheses")
        if self.kind == "(":
            return self._call(offset, name)
        if name in _CONSTANTS:
            return Literal(offset, _CONSTANTS[name])
        return Traversal(offset, name)

    def _string(self) -> Literal:
        offset, text = self.start, self.text()
        self.advance()
        return Literal(offset, string(text[1:-1]))

    def _number(self) -> Literal:
        offset, text = self.start, self.text()
        try:
            value = Number(int(text)) if len(text) < 19 and text.isdecimal() else Number.parse(text)
        except NumberError as error:
            raise self.error(str(error)) from None
        self.advance()
        return Literal(offset, number(value))

    def _parenthesized(self) -> Expression:
        offset, newlines = self.start, self.open_bracket()
        inner = self.expression()
        self.check(")", "`)` is expected here")
        self.close_bracket(newlines)
        return Parenthesized(offset, inner)

    def _call(self, offset: int, name: str) -> Call:
        newlines = self.open_bracket()
        arguments: list[Expression] = []
        expand = False
        while self.kind != ")":
            arguments.append(self.expression())
            if self.kind == "eof":
                raise self.error("the call has no closing `)`", offset)
            if self.kind == "...":
                expand, ellipsis = True, self.start
                self.advance()
                self.check(")", "`...` must be the end of the arguments", ellipsis)
            elif self.kind != ")":
                self.expect(",", "arguments must be separated by commas")
        end = self.start + 1
        self.close_bracket(newlines)
        return Call(offset, name, tuple(arguments), expand, end)

    def _followed(self, subject: Expression) -> Expression:
        """Parse the steps that follow an operand.

        `[*]` applies all further steps to each element, `.*` only those with a dot.
        """
        steps: list[Step] = []
        splats = 0
        while self.kind in (".", "["):
            offset = self.start
            if self.next_kind() != "*":
                steps.append(self._step())
                continue
            subject, steps = _with_steps(subject, steps), []
            if self.take("["):
                return Splat(offset, subject, self._bracket_splat())
            self.advance()
            subject = Splat(offset, subject, self._dot_splat())
            splats += 1
            self.check_depth(splats)
        return _with_steps(subject, steps)

    def _bracket_splat(self) -> tuple[Step, ...]:
        """Parse the steps that `[*]` applies to each element; the position is at the star."""
        self.advance()
        self.expect("]", "`]` is expected after `[*`")
        steps: list[Step] = []
        while self.kind in (".", "["):
            offset = self.start
            if self.next_kind() != "*":
                steps.append(self._step())
            elif self.take("["):
                self.enter_level()
                steps.append(InnerSplat(offset, self._bracket_splat()))
                self.leave_level()
            else:
                self.advance()
                steps.append(InnerSplat(offset, self._dot_splat()))
        return tuple(steps)

    def _dot_splat(self) -> tuple[Step, ...]:
        """Parse the steps that `.*` applies to each element; the position is at the star."""
        star = self.start
        self.advance()
        steps: list[Step] = []
        while self.kind == ".":
            offset = self.start
            self.advance()
            if self.kind == "*":
                raise self.error("a `.*` can't follow another one", help="write [*]")
            steps.append(self._dotted(offset, star, "a name or a number is expected after the dot"))
        return tuple(steps)

    def _step(self) -> Step:
        offset = self.start
        if self.take("."):
            return self._dotted(offset, self.start, "a name, a number or `*` is expected after the dot")
        newlines = self.open_bracket()
        key = self.expression()
        self.check("]", "`]` is expected here, to close the index")
        self.close_bracket(newlines)
        return GetIndex(offset, key)

    def _dotted(self, offset: int, blamed: int, message: str) -> Step:
        """Parse the step after a dot: a name, or the number of an index. blamed: the offset of an error about it."""
        if self.kind == "number":
            if "." in self.text():
                raise self.error("two indexes with dots can't follow each other", blamed, "write [0][1]")
            return GetIndex(offset, self._number())
        name = self.word()
        self.expect("name", message, blamed)
        return GetAttr(offset, name)

    def _tuple(self) -> Expression:
        offset, newlines = self.start, self.open_bracket()
        if self.word() == "for":
            return self._for(offset, "]", newlines)
        items: list[Expression] = []
        while self.kind != "]":
            items.append(self.expression())
            if self.kind == "eof":
                raise self.error("`[` is not closed by `]`", offset)
            if self.kind != "]":
                self.expect(",", "items must be separated by commas")
        self.close_bracket(newlines)
        return TupleOf(offset, tuple(items))

    def _object(self) -> Expression:
        offset, newlines = self.start, self.open_bracket()
        if self.word() == "for":
            return self._for(offset, "}", newlines)
        self.newlines = True
        items: list[tuple[Expression, Expression]] = []
        while self.kind != "}":
            if self.take("newline"):
                continue
            key = self._key()
            self._check_closed(offset)
            if not self.take("="):
                self.expect(":", "`=` is expected between a key and its value")
            items.append((key, self.expression()))
            self._check_closed(offset)
            if self.kind != "}" and not self.take("newline"):
                self.expect(",", "elements must be separated by commas or newlines")
        self.close_bracket(newlines)
        return ObjectOf(offset, tuple(items))

    def _key(self) -> Expression:
        """Parse a key: a bare name is a string, anything else an expression. `a.b` is ambiguous, so it is refused."""
        if self.kind == "name" and self._kinds[self._index + 1] in ("=", ":"):
            offset, name = self.start, self.text()
            self.advance()
            return Literal(offset, string(name))
        key = self.expression()
        is_reference = isinstance(key, Traversal) and not any(map(is_computed, key.steps))
        if is_reference and self.kind in ("=", ":"):
            message = "an object's key is a name, a string, or an expression in parentheses"
            raise self.error(message, start(key), 'write `(a.b)` for the value of a.b, `"a.b"` for the name')
        return key

    def _check_closed(self, opening: int) -> None:
        if self.kind == "eof":
            raise self.error("`{` is not closed by `}`", opening)

    def _for(self, offset: int, closing: str, newlines: bool) -> For:
        self.advance()
        key, value = self.loop_variables()
        collection = self.expression()
        self.expect(":", "a colon is expected after the collection")
        first = self.start
        key_result, result = None, self.expression()
        if self.take("=>"):
            key_result, result = result, self.expression()
        ellipsis = self.start
        group = self.take("...")
        condition = None
        if self.word() == "if":
            self.advance()
            condition = self.expression()
        self.check(closing, f"`{closing}` is expected here, to close the `for`")
        if closing == "}" and key_result is None:
            raise self.error("a `for` in braces needs a key and a value: `key => value`", first)
        if closing == "]" and key_result is not None:
            raise self.error("a `for` in brackets cannot have keys", first)
        if closing == "]" and group:
            raise self.error("`...` is only allowed in a `for` with braces", ellipsis)
        self.close_bracket(newlines)
        return For(offset, key, value, collection, result, key_result, condition, group)


def _with_steps(subject: Expression, steps: list[Step]) -> Expression:
    if not steps:
        return subject
    if isinstance(subject, Traversal):
        return Traversal(subject.offset, subject.root, (*subject.steps, *steps))
    return Relative(subject.offset, subject, tuple(steps))

"""The parser of quoted strings and heredocs, following hclsyntax/parser_template.go."""

from __future__ import annotations

from abc import ABC, abstractmethod

from frostline.hcl.escapes import unescape
from frostline.hcl.nodes import Expression, Literal
from frostline.hcl.source import HclError
from frostline.hcl.templates import (
    Directive,
    Interpolation,
    Part,
    Text,
    remove_indentation,
    strip_spaces,
    template_of,
)
from frostline.hcl.token_reader import TokenReader
from frostline.hcl.values import string

_WORDS = ("if", "for", "else", "endif", "endfor")


class TemplateParser(TokenReader, ABC):
    """Parses templates. Raises HclError for the first syntax error."""

    @abstractmethod
    def expression(self) -> Expression:
        """Parse an expression."""

    def quoted(self) -> Expression:
        start = self.start
        self.advance()
        parts = self._parts("unquote")
        end = self.start
        self.advance()
        match parts:
            case [Text(text=text)]:
                return Literal(start, string(text))
            case _:
                return template_of(parts, start, end, self.source)

    def heredoc(self) -> Expression:
        start, is_indented = self.start, self.text().startswith("<<-")
        self.advance()
        parts = self._parts("unheredoc")
        end = self.start
        self.advance()
        if is_indented:
            remove_indentation(parts)
        return template_of(parts, start, end, self.source)

    def template(self) -> Expression:
        """Parse a heredoc without the newline at its end."""
        start = self.start
        self.advance()
        parts = self._parts("unheredoc")
        last = parts[-1]
        if isinstance(last, Text):
            last.text = last.text.removesuffix("\n")
            parts = parts if last.text else parts[:-1]
        return template_of(parts, start, self.start, self.source)

    def loop_variables(self) -> tuple[str | None, str]:
        """Parse `key, value in` after the word `for`; the key is None if there is only one name."""
        key, value = None, self.word()
        self.expect("name", "the name of a variable is expected after `for`")
        if self.take(","):
            key, value = value, self.word()
            self.expect("name", "the name of a variable is expected after the comma")
        if self.word() != "in":
            raise self.error("`in` is expected here")
        self.advance()
        return key, value

    def _parts(self, closing: str) -> list[Part]:
        """Parse the parts of a template, up to the closing token."""
        parts: list[Part] = []
        first = self.start
        depth = 0
        while self.kind != closing:
            match self.kind:
                case "text":
                    parts.append(self._text(closing))
                case "${":
                    parts.append(self._interpolation(first, closing))
                case "%{":
                    directive = self._directive()
                    depth += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(directive.word, 0)
                    self.check_depth(depth)
                    parts.append(directive)
                case _:
                    raise self.error("the text is not closed: it needs a quote, or the end marker of its heredoc")
        strip_spaces(parts)
        return parts

    def _text(self, closing: str) -> Text:
        start = self.start
        if closing == "unquote":
            text = unescape(self.source, start, self.end)
        else:
            text = self.text().replace("$${", "${").replace("%%{", "%{")
        self.advance()
        return Text(start, text)

    def _interpolation(self, first: int, closing: str) -> Interpolation:
        """Parse `${…}`. first: the offset of the template's first part."""
        start, strips_before = self.start, self.text().endswith("~")
        newlines = self.open_bracket()
        inner = self.expression()
        if self.kind != "end":
            raise self._unclosed(first, closing)
        strips_after = self.text().startswith("~")
        self.close_bracket(newlines)
        return Interpolation(start, strips_before, strips_after, inner)

    def _unclosed(self, first: int, closing: str) -> HclError:
        """Make the error about an interpolation without its `}`.

        It points to the start of the template if the parser may have taken the rest of its text for an expression.
        """
        is_lost = self.kind == "eof" or (closing == "unquote" and self.kind in ("string", "quote", "unquote"))
        hint = "write $${ for a literal ${"
        return self.error("`}` is expected here, to close the interpolation", first if is_lost else None, hint)

    def _directive(self) -> Directive:
        start, strips_before = self.start, self.text().endswith("~")
        newlines = self.open_bracket()
        word = self.word()
        if word not in _WORDS:
            raise self.error("a directive must be if, else, endif, for or endfor")
        self.advance()
        key, value = self.loop_variables() if word == "for" else (None, "")
        expression = self.expression() if word in ("if", "for") else None
        self.check("end", "`}` is expected here, to close the directive")
        strips_after = self.text().startswith("~")
        self.close_bracket(newlines)
        return Directive(start, strips_before, strips_after, word, expression, key, value)

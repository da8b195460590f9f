"""Building the tree of a template from its parts.

A template is first a flat list of parts: texts, interpolations, directives (hclsyntax/parser_template.go). Strip
markers and the indentation of `<<-` change the texts in that list; then it becomes a tree.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct

from frostline.hcl.nodes import Expression, Literal, Template, TemplateFor, TemplateIf, Wrapped
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import string

_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)  # Go's unicode.IsSpace
_OPENING = {"else": "if", "endif": "if", "endfor": "for"}


class Text(Struct):
    """A literal text with its escapes resolved. In a heredoc, each line is a Text of its own."""

    offset: int
    text: str


class Sequence(Struct, frozen=True):
    """`${…}` or `%{…}`. strips_before: it begins with `~`. strips_after: it ends with `~`."""

    offset: int
    strips_before: bool
    strips_after: bool


class Interpolation(Sequence, frozen=True):
    inner: Expression


class Directive(Sequence, frozen=True):
    """word: if, else, endif, for or endfor. expression: the condition of `if`, the collection of `for`.

    key, value: the variables of `for`; key is None if it has only one variable.
    """

    word: str
    expression: Expression | None
    key: str | None
    value: str


Part = Text | Interpolation | Directive


class _Branch(Struct):
    """The expressions that follow an opening directive, or its `else`.

    opening: the directive; None for the whole template. yes: after an `else`, the expressions before it.
    """

    opening: Directive | None
    expressions: list[Expression]
    yes: list[Expression] | None = None


def strip_spaces(parts: list[Part]) -> None:
    """Strip the spaces next to each `~`, in a heredoc up to the end of the line."""
    for part, following in pairwise(parts):
        if isinstance(part, Text) and isinstance(following, Sequence) and following.strips_before:
            part.text = part.text.rstrip(_SPACES)
        elif isinstance(part, Sequence) and isinstance(following, Text) and part.strips_after:
            following.text = following.text.lstrip(_SPACES)


def remove_indentation(parts: list[Part]) -> None:
    """Remove the indentation that all lines share.

    Blank lines don't count. A line that starts with a sequence has no indentation.
    """
    least: int | None = None
    indented: list[Text] = []
    starts_line = True
    for part in parts:
        text = part.text if isinstance(part, Text) else ""
        if starts_line:
            spaces = len(text) - len(text.lstrip(_SPACES))
            if spaces == len(text) and text.endswith("\n"):
                continue
            if isinstance(part, Text):
                indented.append(part)
            least = spaces if least is None else min(least, spaces)
        starts_line = text.endswith("\n")
    for line in indented:
        line.text = line.text[least or 0 :]
        line.offset += least or 0


def template_of(parts: list[Part], start: int, end: int, source: Source) -> Expression:
    """Build the template that starts and ends at these offsets. Raises HclError if its directives don't match."""
    match parts:
        case [Interpolation(inner=inner)]:
            return Wrapped(start, inner)
        case _:
            return _join(_nest(parts, end, source), start)


def _nest(parts: list[Part], end: int, source: Source) -> list[Expression]:
    branches = [_Branch(None, [])]
    texts: list[Text] = []
    for part in parts:
        if isinstance(part, Text):
            texts.append(part)
            continue
        _add_texts(branches[-1], texts)
        if isinstance(part, Interpolation):
            branches[-1].expressions.append(part.inner)
        elif part.word in ("if", "for"):
            branches.append(_Branch(part, []))
        else:
            _end_branch(branches, part, source)
    _add_texts(branches[-1], texts)
    opening = branches[-1].opening
    if opening is not None:
        message = f"the directive at {source.place(opening.offset)} has no `end{opening.word}`"
        raise HclError(message, source.place(end))
    return branches[0].expressions


def _add_texts(branch: _Branch, texts: list[Text]) -> None:
    """Add consecutive texts to the branch as one literal, and clear the list."""
    if texts:
        branch.expressions.append(Literal(texts[0].offset, string("".join(text.text for text in texts))))
        texts.clear()


def _end_branch(branches: list[_Branch], directive: Directive, source: Source) -> None:
    branch = branches.pop()
    word, opening = directive.word, branch.opening
    if opening is None or opening.word != _OPENING[word] or (word == "else" and branch.yes is not None):
        message = f"the directive `{word}` has no `{_OPENING[word]}`"
        raise HclError(message, source.place(directive.offset))
    if word == "else":
        branches.append(_Branch(opening, [], branch.expressions))
        return
    offset, subject = opening.offset, opening.expression
    assert subject is not None
    expression: Expression
    if word == "endfor":
        expression = TemplateFor(offset, opening.key, opening.value, subject, _join(branch.expressions, offset))
    elif branch.yes is None:
        expression = TemplateIf(offset, subject, _join(branch.expressions, offset), _join([], offset))
    else:
        expression = TemplateIf(offset, subject, _join(branch.yes, offset), _join(branch.expressions, offset))
    branches[-1].expressions.append(expression)


def _join(expressions: list[Expression], offset: int) -> Expression:
    return Template(offset, tuple(expressions)) if expressions else Literal(offset, string(""))

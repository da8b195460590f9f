"""Renders a template with Jinja2, in a sandbox that refuses to write unquoted values.

A template sees no clock, randomness or environment, and reads no file outside its folder.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    nodes,
    pass_context,
)
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS

from frostline.errors import UsageError
from frostline.files.reading import read_regular
from frostline.model import FileOrigin
from frostline.outputs.template import filters as template_filters
from frostline.outputs.template import names as template_names
from frostline.outputs.template import text as template_text
from frostline.outputs.template import values as template_values
from frostline.outputs.template.names import Names
from frostline.outputs.template.ordering import Group
from frostline.outputs.template.records import Record, Records, subject_of
from frostline.outputs.template.refusals import Refusals, subject_in
from frostline.outputs.template.text import TemplateFault, show_value
from frostline.outputs.template.values import CONTEXT_NAMES
from frostline.text import closest, display_path, list_names, name_first, pluralize, quote

_GLOBALS = ("cycler", "dict", "joiner", "namespace", "range")
_DATA = (dict, list, str, tuple, int, float, type(None), Record, Records)
"""The types of the registry's values in a template."""
_METHODS = {
    "items": "loop over `mapping | items`",
    "keys": "loop over the mapping itself",
    "values": "loop over `mapping | items`",
    "get": "write `mapping[key] | default(…)`",
}
_FINALIZE = "environment.finalize(context, "


class Renderer:
    """Renders one template, once or many times. names: its filter `name`. collects: note refusals and go on.

    refusals: what the template has refused so far; empty unless it collects.
    """

    def __init__(self, path: Path, names: Names, *, collects: bool = False) -> None:
        self._loader = _FolderLoader(path)
        self._environment = _environment(self._loader, names)
        self.refusals = Refusals(self._loader.read)
        if collects:
            _note_refusals(self._environment, self.refusals)

    def render(self, context: dict[str, Any]) -> bytes:
        """The text that it writes for these variables. Raises UsageError with the place in the template."""
        try:
            return _render_text(self._environment, self._loader.main.name, context).encode()
        except Exception as error:
            if _is_ours(error):
                raise
            raise _usage_error(error, self._loader, subject_of(context.get("entry"))) from error


class _CodeGenerator(CodeGenerator):
    """Compiles templates so that their own strings are trusted and everything they write goes through `finalize`.

    jinja2 itself finalizes only `{{ }}`, not what `{% filter %}` and `{% call %}` write.
    """

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: N802
        if isinstance(node.value, str):
            self.write(f"environment.constant({str(node.value)!r})")
        else:
            super().visit_Const(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.join_texts((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:  # noqa: N802
        inner = frame.inner()
        inner.symbols.analyze_node(node)
        self.enter_frame(inner)
        self.buffer(inner)
        self.blockvisit(node.body, inner)
        self.start_write(frame, node)
        self.write(_FINALIZE)
        self.visit_Filter(node.filter, inner)
        self.write(")")
        self.end_write(frame)
        self.leave_frame(inner)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802
        if forward_caller:  # a call block, which writes what the call returns
            self.write(_FINALIZE)
        super().visit_Call(node, frame, forward_caller=forward_caller)
        if forward_caller:
            self.write(")")

    def visit_ScopedEvalContextModifier(  # noqa: N802
        self, node: nodes.ScopedEvalContextModifier, frame: Frame
    ) -> None:
        self.fail("autoescape is not supported: quote with the filter of the file's language", node.lineno)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(_FINALIZE)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")


class _Environment(ImmutableSandboxedEnvironment):
    code_generator_class = _CodeGenerator
    concat = staticmethod(template_text.concat)
    join_texts = staticmethod(template_text.join_texts)
    constant = staticmethod(cache(template_text.trusted))

    def getitem(self, obj: Any, argument: Any) -> Any:
        """jinja2's, but a missing key or index is undefined, and never a method of Python of that name."""
        if type(obj) is Record:
            return self._field(obj, argument)
        if not isinstance(obj, _DATA) or (isinstance(obj, Group) and argument in Group._fields):
            return super().getitem(obj, argument)
        try:
            return obj[argument]  # type: ignore[index]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """jinja2's, but `meta.x` is the value of the key `x`, or undefined. Only strings have methods."""
        if type(obj) is Record:
            return self._field(obj, attribute)
        if not isinstance(obj, _DATA) or isinstance(obj, str | Group):
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def _field(self, record: Record, name: Any) -> Any:
        """A field of a record. It is made here, so that an error in making it is not reported as a missing field."""
        make = record.makers.get(name) if isinstance(name, str) else None
        return self.undefined(obj=record, name=name) if make is None else make(record.source)


class _Undefined(StrictUndefined):
    """Names the existing keys where one is missing."""

    @property
    def _undefined_message(self) -> str:
        value = self._undefined_obj
        if isinstance(value, Records | list | tuple) and not self._undefined_hint:
            return f"a list has no {self._undefined_name!r}, only {pluralize(len(value), 'item')}"
        if self._undefined_hint or not isinstance(value, Mapping):
            return super()._undefined_message
        if self._undefined_name in _METHODS:
            return f"a mapping has no method {self._undefined_name!r} here: {_METHODS[self._undefined_name]}"
        known = [str(name) for name in value]
        near = closest(str(self._undefined_name), known)
        only = f"; did you mean `{near}`?" if near else f", only {name_first(known, 20) or 'an empty mapping'}"
        return f"there is no {self._undefined_name!r} here{only}"


class _FolderLoader(BaseLoader):
    """Reads the template `main`, and the templates in its folder that it includes, imports or extends."""

    def __init__(self, main: Path) -> None:
        self.main = main
        self.read: set[str] = set()

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        path = self.main.parent / template
        if template != self.main.name:
            self._check_name(template, path)
        self.read.add(str(path))
        shown = quote(display_path(path))
        try:
            # utf-8-sig: some editors write a byte order mark, which is not part of the output.
            text = read_regular(path).decode("utf-8-sig")
            return text.replace("\r\n", "\n").replace("\r", "\n"), str(path), None
        except FileNotFoundError as error:
            raise TemplateFault(f"there is no template {shown}", "restore it, or name another one") from error
        except UnicodeDecodeError as error:
            reason = f"the template {shown} is not UTF-8: {error.reason} at byte {error.start}"
            raise TemplateFault(reason, "save it as UTF-8") from error
        except OSError as error:
            reason = f"the template {shown} cannot be read: {error.strerror}"
            raise TemplateFault(reason, "let this user read it, or name another one") from error

    def _check_name(self, template: str, path: Path) -> None:
        parts = template.split("/")
        inside = path.resolve().is_relative_to(self.main.parent.resolve())
        if not inside or "" in parts or ".." in parts:
            raise TemplateFault(
                f"the template {quote(template)} is outside the folder of the output's template",
                f"name it relative to {display_path(self.main.parent)}, without ..",
            )
        if not path.is_file():
            raise TemplateNotFound(template)


def _environment(loader: _FolderLoader, names: Names) -> Environment:
    environment = _Environment(
        loader=loader,
        undefined=_Undefined,
        # pass_context keeps jinja2 from finalizing constants at compile time, before they are marked as trusted.
        finalize=pass_context(lambda _context, value: template_text.finalize(value)),
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        auto_reload=False,
    )
    environment.filters = {**template_filters.ALL, "name": names.name}
    environment.tests = {**environment.tests, "containing": _is_containing}
    environment.globals = {name: environment.globals[name] for name in _GLOBALS} | {"fail": template_filters.fail}
    return environment


def _note_refusals(environment: Environment, refusals: Refusals) -> None:
    for name in (*template_filters.QUOTING, "name"):
        environment.filters[name] = refusals.noting(environment.filters[name])
    environment.globals["fail"] = refusals.noting(template_filters.fail, keeps_help=True)


def _is_containing(value: Any, item: Any) -> bool:
    """The test `containing`: whether a list has this item, or a mapping this key."""
    if isinstance(value, Undefined):
        template_text.fail_undefined(value)
    if isinstance(value, str) or not isinstance(value, Container):
        raise TemplateFault(f"`containing` tests a list, not {show_value(value)}", "write `in` for a part of a text")
    return item in value


def _render_text(environment: Environment, name: str, values: dict[str, Any]) -> str:
    template = environment.get_template(name)
    stream = template.root_render_func(template.new_context(values))
    try:
        return "".join(_check_positions(stream))
    except Exception:  # noqa: BLE001
        # Re-raises with a traceback that has the template's own lines.
        environment.handle_exception()


def _check_positions(stream: Any) -> Iterator[str]:
    """The text that the template writes. Raises an error at the template's line if quotes have no effect there."""
    line = template_text.Line()
    for piece in stream:
        try:
            line.write(piece)
        except TemplateFault as fault:
            stream.throw(fault)
        yield piece


_VALUE_FILES = {module.__file__ for module in (template_names, template_values)}


def _is_ours(error: Exception) -> bool:
    """Whether the error is a bug in making the template's values: these are made lazily, while it is rendered."""
    if isinstance(error, TemplateFault | RecursionError):
        return False
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_code.co_filename in _VALUE_FILES


def _usage_error(error: Exception, loader: _FolderLoader, whole: tuple[str, ...]) -> UsageError:
    """The error as users see it, with its place in the template and the service being written.

    whole: the service (and version) of the whole file; () if it has several.
    """
    frames = _template_frames(error.__traceback__, loader.read)
    message, help_text = _explained(error)
    subject = next(filter(None, (subject_in(variables) for _, variables in reversed(frames))), whole)
    if subject:
        message = f"service {quote('/'.join(subject))}: {message}"
    origin = frames[-1][0] if frames else FileOrigin(display_path(loader.main))
    if isinstance(error, TemplateSyntaxError):
        origin = FileOrigin(display_path(Path(error.filename or loader.main)), error.lineno)
    return UsageError(message, origin=origin, help=help_text)


def _template_frames(traceback: TracebackType | None, templates: set[str]) -> list[tuple[FileOrigin, dict[str, Any]]]:
    """The place and the variables of each template frame, innermost last."""
    found = []
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if path in templates:
            found.append((FileOrigin(display_path(Path(path)), traceback.tb_lineno), dict(traceback.tb_frame.f_locals)))
        traceback = traceback.tb_next
    return found


def _undefined_help(message: str) -> str:
    if not message.endswith("is undefined"):
        return "test it with `is defined`, or see docs/outputs/template.md for what there is"
    return f"a template gets {list_names(CONTEXT_NAMES)}; docs/outputs/template.md lists what they hold"


def _explained(error: Exception) -> tuple[str, str | None]:
    match error:
        case TemplateFault():
            return error.message, error.help or "change what the template writes there, or what it gets"
        case TemplateSyntaxError():
            return _syntax_error((error.message or "the template has a syntax error").rstrip("."))
        case TemplateNotFound():
            return (
                f"there is no template {quote(error.message or '')}",
                "name it relative to the folder of the template that frostline.yaml names",
            )
        case UndefinedError():
            return f"{error.message}", _undefined_help(error.message or "")
        case TemplateRuntimeError():  # of a filter whose name is a value: `map("x")`
            return _syntax_error(f"{error.message}".rstrip("."))
        case RecursionError():
            return "a macro, an include or a loop calls itself endlessly", "end it with an `if`"
        case MemoryError():
            return "it needs more memory than there is", "make less text in this line"
        case KeyError():
            return f"there is no {error} here", "test it with `is defined`"
        case ZeroDivisionError():
            return "a division by zero", "test the divisor first, with an `if`"
        case TypeError() | ValueError() | ArithmeticError():
            return (
                f"a filter or an operator does not take this value: {_in_template_words(error)}",
                "test it first (`is none`, `is string`, `is number`), or give it a default",
            )
    return f"{type(error).__name__}: {error}", "change what the template does in this line"


def _in_template_words(error: Exception) -> str:
    """Python's message, in which our text type is called what it is to a template: a string."""
    return str(error).replace("'Trusted'", "'str'").rstrip(".")


_UNKNOWN_NAME = re.compile("No (filter|test) named '(.*)'", re.DOTALL)


def _syntax_error(message: str) -> tuple[str, str]:
    found = _UNKNOWN_NAME.search(message)
    if found is None:
        return message, "correct the template in this line, or close what is open above it"
    kind, name = found.groups()
    known = [*template_filters.ALL, "name"] if kind == "filter" else [*TESTS, "containing"]
    near = closest(name, known)
    words = ", ".join(sorted(word for word in known if word.isalpha()))
    return f"there is no {kind} {quote(name)}", f"did you mean `{near}`?" if near else f"the {kind}s are {words}"

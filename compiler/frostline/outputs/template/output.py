"""The `template` output: one file written by a user's Jinja2 template, in a sandbox that quotes or refuses.

Same registry, same bytes: a template has no clock, no chance and no environment, and reads no file outside its folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, TemplateSyntaxError, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from frostline.errors import UsageError
from frostline.model import FileOrigin
from frostline.outputs.base import Artifact, Rendering, View
from frostline.outputs.template import filters as template_filters
from frostline.outputs.template import text as template_text
from frostline.outputs.template.text import TemplateFault, Trusted
from frostline.outputs.template.values import Services, context_values, subject_of
from frostline.resources import resource_folder
from frostline.settings import OutputSettings
from frostline.text import display_path

_GLOBALS = ("cycler", "dict", "joiner", "namespace", "range")
_FINALIZE = "environment.finalize(context, "


def render(view: View, settings: OutputSettings) -> Rendering:
    """The one file that the template writes. UsageError, with the place in the template: it can't be rendered."""
    path = template_path(settings)
    loader = _FolderLoader(path)
    try:
        text = _text(_environment(loader), path.name, context_values(view))
        content = text.encode()
    except Exception as error:
        raise _usage_error(error, loader) from error
    return Rendering(artifacts=(Artifact(path=PurePosixPath(settings.path.name), chunks=(content,)),))


def paths(settings: OutputSettings) -> tuple[PurePosixPath, ...]:
    """The one file, relative to `folder`."""
    return (PurePosixPath(settings.path.name),)


def folder(settings: OutputSettings) -> Path:
    """The folder that the file is in."""
    return settings.path.parent


def template_path(settings: OutputSettings) -> Path:
    """Where the template is; a relative path names one that comes with frostline."""
    return resource_folder("templates") / Path(settings.options["template"])


class _CodeGenerator(CodeGenerator):
    """Compiles templates so that their own strings are trusted and everything that they write is looked at.

    jinja2 itself looks only at `{{ }}`: what `{% filter %}` and `{% call %}` write would go unseen.
    """

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: N802
        if isinstance(node.value, str):
            self.write(f"environment.constant({str(node.value)!r})")
        else:
            super().visit_Const(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.joined((")
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
    joined = staticmethod(template_text.joined)
    constant = staticmethod(cache(template_text.trusted))


class _Undefined(StrictUndefined):
    """Says which names there are instead of the one that is missing."""

    @property
    def _undefined_message(self) -> str:
        value = self._undefined_obj
        if isinstance(value, Services) and not self._undefined_hint:
            return f"a list has no {self._undefined_name!r}"
        if self._undefined_hint or not isinstance(value, Mapping):
            return super()._undefined_message
        return f"there is no {self._undefined_name!r} here, only {', '.join(map(str, value)) or 'an empty mapping'}"


class _FolderLoader(BaseLoader):
    """Reads `main`, and what it includes, imports or extends from the folder that it is in."""

    def __init__(self, main: Path) -> None:
        self.main = main
        self.read: set[str] = set()

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        path = self.main.parent / template
        if template != self.main.name:
            self._check_name(template, path)
        self.read.add(str(path))
        try:
            # Editors of another system may have put a byte order mark before it, which is no part of the output.
            return path.read_text(encoding="utf-8-sig"), str(path), None
        except FileNotFoundError as error:
            raise TemplateFault(f"there is no template {path}") from error
        except UnicodeDecodeError as error:
            raise TemplateFault(f"the template {path} is not UTF-8: {error.reason} at byte {error.start}") from error
        except OSError as error:
            raise TemplateFault(f"the template {path} can't be read: {error.strerror}") from error

    def _check_name(self, template: str, path: Path) -> None:
        parts = template.split("/")
        inside = path.resolve().is_relative_to(self.main.parent.resolve())
        if not inside or "" in parts or ".." in parts:
            raise TemplateFault(
                f"the template {template} is outside the folder of the one that names it first",
                f"name it relative to {self.main.parent}, without ..",
            )
        if not path.is_file():
            raise TemplateNotFound(template)


def _environment(loader: _FolderLoader) -> Environment:
    environment = _Environment(
        loader=loader,
        undefined=_Undefined,
        # With the context, jinja2 does not apply it to constants, which it would do before it knows that they are.
        finalize=pass_context(lambda _context, value: template_text.finalize(value)),
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        auto_reload=False,
    )
    environment.filters = dict(template_filters.ALL)
    environment.globals = {name: environment.globals[name] for name in _GLOBALS} | {"fail": template_filters.fail}
    return environment


def _text(environment: Environment, name: str, values: dict[str, Any]) -> str:
    template = environment.get_template(name)
    stream = template.root_render_func(template.new_context(values))
    try:
        return "".join(_placed(stream))
    except Exception:  # noqa: BLE001
        # Raises it again, with a traceback that has the template's own lines.
        environment.handle_exception()


def _placed(stream: Any) -> Iterator[str]:
    """What the template writes. A quoted piece where its quotes don't count is an error at its line of the template."""
    last = ""
    for piece in stream:
        if isinstance(piece, Trusted):
            try:
                template_text.check_place(last, piece)
            except TemplateFault as fault:
                stream.throw(fault)
        last = piece[-1:] or last
        yield piece


def _usage_error(error: Exception, loader: _FolderLoader) -> UsageError:
    """What the user is told of this error: the place in the template, and the service that it was at."""
    frames = _template_frames(error.__traceback__, loader.read)
    message, help_text = _explained(error)
    subject = next(filter(None, (_subject(variables) for _, variables in reversed(frames))), ())
    if subject:
        message = f"service {'/'.join(subject)}: {message}"
    origin = frames[-1][0] if frames else FileOrigin(display_path(loader.main))
    if isinstance(error, TemplateSyntaxError):
        origin = FileOrigin(display_path(Path(error.filename or loader.main)), error.lineno)
    return UsageError(message, origin=origin, help=help_text)


def _template_frames(traceback: TracebackType | None, templates: set[str]) -> list[tuple[FileOrigin, dict[str, Any]]]:
    """The place and the variables of each frame of a template, the innermost last."""
    found = []
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if path in templates:
            found.append((FileOrigin(display_path(Path(path)), traceback.tb_lineno), dict(traceback.tb_frame.f_locals)))
        traceback = traceback.tb_next
    return found


def _subject(variables: dict[str, Any]) -> tuple[str, ...]:
    """The service, and version, that a template is at: of all its variables the one that says most."""
    return max((subject_of(value) for value in variables.values()), key=len, default=())


def _explained(error: Exception) -> tuple[str, str | None]:
    match error:
        case TemplateFault():
            return error.message, error.help
        case TemplateSyntaxError():
            message = error.message or "the template has a syntax error"
            known = f"filters: {', '.join(sorted(template_filters.ALL))}" if "No filter named" in message else None
            return message, known
        case TemplateNotFound():
            return (
                f"there is no template {error.message}",
                "name it relative to the folder of the template that frostline.yaml names",
            )
        case UndefinedError():
            return f"{error.message}", "`is defined` asks first; docs/outputs/template.md has what a template is given"
        case TemplateRuntimeError():
            return f"{error.message}", None
        case RecursionError():
            return "a macro, an include or a loop calls itself without end", None
    return f"{type(error).__name__}: {error}", None

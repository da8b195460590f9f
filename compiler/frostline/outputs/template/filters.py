"""The filters of templates: those that quote a value for its place, and a selection of jinja2's.

Left out are jinja2's filters that escape for HTML or mark text as safe (`escape`, `safe`, `tojson`, `xmlattr`,
`urlize`, `striptags`), and those whose text differs between runs or versions (`random`, `pprint`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Environment, pass_environment
from jinja2.filters import FILTERS, make_attrgetter
from msgspec import Struct

from frostline.outputs.template import expanding
from frostline.outputs.template.ordering import ALL as ORDERING
from frostline.outputs.template.plain import LEAVE_OUT, literal, plain_text, plain_value
from frostline.outputs.template.text import (
    Quoted,
    TemplateFault,
    Trusted,
    join_texts,
    joined_parts,
    quoted,
    quoted_parts,
    show_value,
    to_text,
    trusted,
)
from frostline.outputs.yaml_text import flow
from frostline.text import escape_control, escape_json

_KEPT = """
    abs batch capitalize center count d default first float format int items last length list lower map reject
    rejectattr replace reverse round select selectattr slice sum title truncate upper urlencode wordcount wordwrap
""".split()  # noqa: SIM905

_NGINX_LONGEST = 4000
_VARIABLE = re.compile(r"\$\{[a-z_][a-z0-9_]*\}")


def nginx(value: Any, dollar: str = "") -> Trusted:
    """A parameter of an nginx directive, always in double quotes.

    nginx unescapes `\\"`, `\\\\`, `\\n`, `\\r` and `\\t` and keeps other backslashes there (src/core/ngx_conf_file.c).
    It cannot escape `$` where a directive expands variables. `dollar` replaces it: `$` for a directive that expands no
    variables (location, server_name, upstream), else a variable that holds `$`, such as `${dollar}`.
    """
    text = plain_text(value, "nginx")
    if "\0" in text:
        raise TemplateFault(f"{show_value(text)} contains a NUL, which no nginx parameter can hold", LEAVE_OUT)
    if "$" in text and not dollar:
        raise TemplateFault(
            f"{show_value(text)} contains '$', which nginx reads as the start of a variable and cannot escape",
            'if the directive expands no variables (location, upstream …), write `| nginx(dollar="$")`; else define '
            'geo $dollar { default "$"; } and write `| nginx(dollar="${dollar}")`',
        )
    if dollar not in ("", "$") and not _VARIABLE.fullmatch(dollar):
        raise TemplateFault(
            f"{show_value(dollar)} cannot stand for a dollar sign", 'write "$" or a variable: "${dollar}"'
        )
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(character, escape)
    text = text.replace("$", dollar)
    if len(text.encode()) > _NGINX_LONGEST:
        raise TemplateFault(f"{show_value(text)} is longer than an nginx parameter may be (4096 bytes)")
    return quoted(f'"{text}"', "nginx")


def shell(value: Any) -> Trusted:
    """One word for a POSIX shell, always in single quotes, so that even `A=b` at the start of a command is a word."""
    text = plain_text(value, "shell")
    if "\0" in text:
        raise TemplateFault(f"{show_value(text)} contains a NUL, which no shell word can hold", LEAVE_OUT)
    return quoted("'" + text.replace("'", "'\"'\"'") + "'", "shell")


def identifier(value: Any) -> Trusted:
    """A name of a-z, 0-9, `.`, `-` and `_`; different for each value, even if case is ignored.

    Every other byte (UTF-8), and `_` itself, becomes `_` and two hexadecimal digits, so that two identifiers can be
    joined by `__`.
    """
    text = plain_text(value, "identifier")
    if not text:
        raise TemplateFault("an empty name cannot become an identifier")
    return trusted(re.sub(rb"[^a-z0-9.-]", lambda found: b"_%02x" % ord(found.group()), text.encode()).decode())


def raw(value: Any) -> Trusted:
    """The value as it is, on purpose."""
    return trusted(to_text(value, "written"))


def json(value: Any) -> Trusted:
    """JSON on one line, safe in a <script> element too; members keep their order."""
    return literal(_written(plain_value(value, "json"), _JSON), "json")


def py(value: Any) -> Trusted:
    """A Python literal on one line."""
    return literal(_written(plain_value(value, "py"), _PY), "py")


def toml(value: Any) -> Trusted:
    """A TOML value on one line; mappings as inline tables. TOML has no null, and its integers have 64 bits."""
    return literal(_written(plain_value(value, "toml"), _TOML), "toml")


def yaml(value: Any) -> Trusted:
    """YAML 1.1 and 1.2 on one line: strings double-quoted, lists and mappings in flow style."""
    return literal(flow(plain_value(value, "yaml")), "yaml")


class _Style(Struct, frozen=True):
    """How a format writes plain values on one line. none: its null; None for a format without null."""

    text: Callable[[str], str]
    none: str | None = "null"
    true: str = "true"
    false: str = "false"
    colon: str = ": "
    integers: range | None = None


def _written(value: Any, style: _Style) -> str:
    match value:
        case str():
            return style.text(value)
        case None if style.none is not None:
            return style.none
        case None:
            raise TemplateFault("the format has no null", "leave the value out with an if")
        case bool():
            return style.true if value else style.false
        case int() if style.integers is not None and value not in style.integers:
            raise TemplateFault(f"{value} does not fit into the format's 64-bit integers")
        case dict():
            members = (f"{style.text(key)}{style.colon}{_written(item, style)}" for key, item in value.items())
            return "{" + ", ".join(members) + "}"
        case list():
            return "[" + ", ".join(_written(item, style) for item in value) + "]"
    return str(value)


def _json_text(text: str) -> str:
    # `<` could end the script element of a page that contains the JSON.
    written = _backslashed(text)
    if not (written.isascii() and written.isprintable()):
        written = escape_json(written)
    return f'"{written}"'.replace("<", "\\u003c")


def _py_text(text: str) -> str:
    return f'"{escape_control(_backslashed(text))}"'


def _toml_text(text: str) -> str:
    # TOML 1.0 has no \x escape; the first alternative skips escaped backslashes.
    return re.sub(r"\\\\|\\x(..)", lambda found: f"\\u00{found[1]}" if found[1] else found[0], _py_text(text))


def _backslashed(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_JSON = _Style(_json_text)
_PY = _Style(_py_text, "None", "True", "False")
_TOML = _Style(_toml_text, none=None, colon=" = ", integers=range(-(2**63), 2**63))


@pass_environment
def join(environment: Environment, value: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    """jinja2's `join`; trusted if every item and the separator are."""
    items = list(value if attribute is None else map(make_attrgetter(environment, attribute), value))
    return join_texts(piece for index, item in enumerate(items) for piece in ((separator, item) if index else (item,)))


def indent(value: Any, width: int = 4, first: bool = False, blank: bool = False) -> str:
    """Indent the lines after the first by `width` spaces; blank: empty lines too. Only `\\n` ends a line."""
    text = to_text(value, "indented")
    lines = [part for line in re.split("(\n)", text) if (part := line)]
    space = " " * width
    made: list[str] = []
    at, starts = 0, first
    for part in lines:
        if starts and (blank or part != "\n"):
            made.append(space)
        made.append(_part_of(text, at, at + len(part)))
        at, starts = at + len(part), part == "\n"
    if starts and blank:
        made.append(space)
    return joined_parts(made) if isinstance(text, Trusted) else "".join(made)


def trim(value: Any, characters: str | None = None) -> str:
    """Strip white space, or these characters. The latter could be quotes, so the result is not trusted then."""
    text = to_text(value, "trimmed")
    if characters is not None or not isinstance(text, Trusted):
        return str(text).strip(characters)
    return _part_of(text, len(text) - len(text.lstrip()), len(text.rstrip()))


def _part_of(text: str, start: int, stop: int) -> str:
    """A part of a text, trusted if the text is. Quoted texts that the part cuts lose their mark."""
    part = str(text)[start:stop]
    if not isinstance(text, Trusted):
        return part
    inside = (at for at in quoted_parts(text) if start <= at.start and at.stop <= stop)
    return trusted(part, (Quoted(at.start - start, at.stop - start, at.filter_name) for at in inside))


@pass_environment
def attr(environment: Environment, value: Any, name: str) -> Any:
    """`value.name`, for a name that a variable holds."""
    return environment.getattr(value, name)


def string(value: Any) -> str:
    """A string or a number as a string."""
    return to_text(value, "turned into a string")


def fail(message: Any = "the template stopped", help: Any = "") -> str:
    """The global function `fail`: stop rendering with this message. help: what to do about it, after the message."""
    raise TemplateFault(str(to_text(message, "said")), str(to_text(help, "said")) or None)


QUOTING: Mapping[str, Callable[..., Trusted]] = {
    function.__name__: function for function in (identifier, json, nginx, py, raw, shell, toml, yaml, *expanding.ALL)
}

ALL: dict[str, Callable[..., Any]] = {
    **{name: FILTERS[name] for name in _KEPT},
    **ORDERING,
    **QUOTING,
    "attr": attr,
    "indent": indent,
    "join": join,
    "string": string,
    "trim": trim,
}

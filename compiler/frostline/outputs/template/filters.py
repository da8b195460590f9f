"""The filters of templates: those that quote a value for where it goes, and those of jinja2 that are left.

Left out of jinja2's: what escapes for HTML or marks text as safe (`escape`, `safe`, `tojson`, `xmlattr`, `urlize`,
`striptags`), and what gives another text each time or in each version (`random`, `pprint`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Environment, Undefined, pass_environment
from jinja2.filters import FILTERS, make_attrgetter
from msgspec import Struct

from frostline.outputs.template.text import (
    TemplateFault,
    Trusted,
    joined,
    opening,
    scalar,
    shown,
    trusted,
    undefined,
)
from frostline.outputs.yaml.text import flow
from frostline.text import escape_control, escape_json

_KEPT = """
    abs attr batch capitalize center count d default dictsort first float format groupby int items last length list
    lower map max min reject rejectattr replace reverse round select selectattr slice sort sum title truncate unique
    upper urlencode wordcount wordwrap
""".split()  # noqa: SIM905

_LEAVE_OUT = "leave the service out with `select` of the output"
_NGINX_LONGEST = 4000
_VARIABLE = re.compile(r"\$\{[a-z_][a-z0-9_]*\}")


def nginx(value: Any, dollar: str = "") -> Trusted:
    """A parameter of an nginx directive: always in double quotes.

    nginx undoes `\\"`, `\\\\`, `\\n`, `\\r` and `\\t` there and keeps every other backslash (src/core/ngx_conf_file.c).
    It has no way to write `$` where a directive expands variables; `dollar` says what to write for it: `$` where the
    directive expands none (location, server_name, upstream), else a variable that holds it, as `${dollar}`.
    """
    text = _text(value, "nginx")
    if "\0" in text:
        raise TemplateFault(f"{shown(text)} has a NUL in it, which no nginx parameter can hold", _LEAVE_OUT)
    if "$" in text and not dollar:
        raise TemplateFault(
            f"{shown(text)} has '$' in it, which nginx reads as the start of a variable and has no way to quote",
            'where the directive expands no variables (location, upstream …): `| nginx(dollar="$")`; else define '
            'geo $dollar { default "$"; } and write `| nginx(dollar="${dollar}")`',
        )
    if dollar not in ("", "$") and not _VARIABLE.fullmatch(dollar):
        raise TemplateFault(f"{shown(dollar)} is no way to write a dollar sign", 'it is "$" or a variable: "${dollar}"')
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(character, escape)
    text = text.replace("$", dollar)
    if len(text.encode()) > _NGINX_LONGEST:
        raise TemplateFault(f"{shown(text)} is longer than an nginx parameter may be (4096 bytes)")
    return trusted(f'"{text}"', "nginx")


def shell(value: Any) -> Trusted:
    """One word for a POSIX shell, always in single quotes: `A=b` stays a word where a command could stand."""
    text = _text(value, "shell")
    if "\0" in text:
        raise TemplateFault(f"{shown(text)} has a NUL in it, which no word of a shell can hold", _LEAVE_OUT)
    return trusted("'" + text.replace("'", "'\"'\"'") + "'", "shell")


def identifier(value: Any) -> Trusted:
    """A name made of a-z, 0-9, `.`, `-` and `_`, another one for each value, also where case is ignored.

    Every other byte (UTF-8), and `_` itself, is written as `_` and two hexadecimal digits, so that two identifiers can
    be joined by `__`.
    """
    text = _text(value, "identifier")
    if not text:
        raise TemplateFault("an empty name has no identifier")
    return trusted(re.sub(rb"[^a-z0-9.-]", lambda found: b"_%02x" % ord(found.group()), text.encode()).decode())


def raw(value: Any) -> Trusted:
    """The value as it is, on purpose."""
    return trusted(scalar(value, "written"))


def json(value: Any) -> Trusted:
    """JSON on one line, safe in a <script> element too; members in the order they have."""
    return trusted(_written(_plain(value, "json"), _JSON), "json")


def py(value: Any) -> Trusted:
    """A Python literal on one line."""
    return trusted(_written(_plain(value, "py"), _PY), "py")


def toml(value: Any) -> Trusted:
    """A TOML value on one line; mappings as inline tables. TOML has no null, and integers of 64 bits."""
    return trusted(_written(_plain(value, "toml"), _TOML), "toml")


def yaml(value: Any) -> Trusted:
    """YAML 1.1 and 1.2 on one line: strings double-quoted, lists and mappings in flow style."""
    return trusted(flow(_plain(value, "yaml")), "yaml")


class _Pointed(float):
    """A number with a point: YAML 1.1 takes 1e+16 for a string, 1.0e+16 is a number in every format."""

    def __str__(self) -> str:
        mantissa, exponent, power = repr(float(self)).partition("e")
        return mantissa + ("" if "." in mantissa else ".0") + exponent + power


def _plain(value: Any, name: str) -> Any:
    """`value` as str, int, _Pointed, bool, None, list and dict of such. TemplateFault: it is something else."""
    match value:
        case str():
            return _text(value, name)
        case float() if math.isfinite(value):
            return _Pointed(value)
        case None | bool() | int():
            return value
        case Undefined():
            undefined(value)
        case Mapping():
            if strange := [key for key in value if not isinstance(key, str)]:
                raise TemplateFault(f"the key {shown(strange[0])} is no string")
            return {_text(key, name): _plain(item, name) for key, item in value.items()}
        case Iterable():
            return [_plain(item, name) for item in value]
    kind = shown(value) if isinstance(value, float) else f"a {type(value).__name__}"
    raise TemplateFault(f"{kind} can't be written as {name}")


class _Style(Struct, frozen=True):
    """How a format writes plain values on one line. none: None where it can't."""

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
            raise TemplateFault("none can't be written: the format has no word for it", "leave it out with an if")
        case bool():
            return style.true if value else style.false
        case int() if style.integers is not None and value not in style.integers:
            raise TemplateFault(f"{value} does not fit into the format's integers of 64 bits")
        case dict():
            members = (f"{style.text(key)}{style.colon}{_written(item, style)}" for key, item in value.items())
            return "{" + ", ".join(members) + "}"
        case list():
            return "[" + ", ".join(_written(item, style) for item in value) + "]"
    return str(value)


def _json_text(text: str) -> str:
    # `<` can end a script element of a page that the JSON is put in.
    return f'"{escape_json(_backslashed(text))}"'.replace("<", "\\u003c")


def _py_text(text: str) -> str:
    return f'"{escape_control(_backslashed(text))}"'


def _toml_text(text: str) -> str:
    # TOML 1.0 has no \x escape; the first alternative steps over backslashes that are quoted themselves.
    return re.sub(r"\\\\|\\x(..)", lambda found: f"\\u00{found[1]}" if found[1] else found[0], _py_text(text))


def _backslashed(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_JSON = _Style(_json_text)
_PY = _Style(_py_text, "None", "True", "False")
_TOML = _Style(_toml_text, none=None, colon=" = ", integers=range(-(2**63), 2**63))


def _text(value: Any, name: str) -> str:
    """The text to quote, without the mark that it may have. A lone surrogate can't be written in UTF-8."""
    text = str(scalar(value, f"quoted by `| {name}`"))
    if re.search("[\ud800-\udfff]", text):
        raise TemplateFault(f"{shown(text)} has half of a surrogate pair in it, which is no character")
    return text


@pass_environment
def join(environment: Environment, value: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    """jinja2's `join`, trusted if every item and the separator are."""
    items = list(value if attribute is None else map(make_attrgetter(environment, attribute), value))
    return joined(piece for index, item in enumerate(items) for piece in ((separator, item) if index else (item,)))


def indent(value: Any, width: int = 4, first: bool = False, blank: bool = False) -> str:
    """Indent the lines after the first by `width` spaces; blank: the empty ones too. Lines end at `\\n` alone."""
    text = scalar(value, "indented")
    head, *rest = text.split("\n")
    lines = [_indented(head, width, blank) if first else head, *(_indented(line, width, blank) for line in rest)]
    return _marked_as(text, "\n".join(lines))


def _indented(line: str, width: int, blank: bool) -> str:
    return " " * width + line if line or blank else line


def trim(value: Any, characters: str | None = None) -> str:
    """Without the white space around it; without these characters, which could be quotes: then the mark is lost."""
    text = scalar(value, "trimmed")
    return _marked_as(text, text.strip()) if characters is None else str(text).strip(characters)


def string(value: Any) -> str:
    """A string or a number as a string."""
    return scalar(value, "turned into a string")


def _marked_as(before: str, after: str) -> str:
    return trusted(after, opening(before)) if isinstance(before, Trusted) else after


def fail(message: Any = "the template refuses") -> str:
    """The global function `fail`: stop with this message."""
    raise TemplateFault(str(scalar(message, "said")))


QUOTING: Mapping[str, Callable[..., Trusted]] = {
    function.__name__: function for function in (identifier, json, nginx, py, raw, shell, toml, yaml)
}

ALL: dict[str, Callable[..., Any]] = {
    **{name: FILTERS[name] for name in _KEPT},
    **QUOTING,
    "indent": indent,
    "join": join,
    "string": string,
    "trim": trim,
}

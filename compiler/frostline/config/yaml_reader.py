"""Parsing YAML into plain values with their positions: YAML 1.2 as people write it, without tags that run code.

Only true/false, null, integers and decimals are converted (YAML 1.2 core schema, chapter 10.3). Other values stay
strings (`no`, `12:30`, `1_000`, `2027-01-31`), and so do all keys. No message here quotes a value: it may be a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml
from msgspec import Struct
from yaml.reader import Reader

from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.model import FileOrigin

Path = tuple[str | int, ...]
"""The path of a value: keys and list indices from the top."""

MAX_DEPTH = 64
# Limits of what aliases may repeat: nested aliases of aliases would fill any memory.
MAX_CHARACTERS = 16 * 2**20
MAX_ALIASED = 10_000  # values

_CORE = {
    "null": r"(?:~|null|Null|NULL|)",
    "bool": r"(?:true|True|TRUE|false|False|FALSE)",
    "int": r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)",
    "float": r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))",
}
_FIRST = {
    "null": ["~", "n", "N", ""],
    "bool": list("tTfF"),
    "int": list("-+0123456789"),
    "float": list("-+.0123456789"),
}
_PREFIX = "tag:yaml.org,2002:"
_SCALARS = {_PREFIX + name: re.compile(rf"{pattern}\Z") for name, pattern in _CORE.items()}
_MAX_DIGITS = 30  # longer numbers count as infinite; Python refuses to parse more than 4300 digits

_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
"""The start of a merge conflict. Valid YAML has such a line only in a block scalar at the left margin."""

EMPTY_HELP = "it needs at least `sources`; or remove the file and run `frostline init`, which writes one to start with"


class Document(Struct, frozen=True):
    """A YAML document.

    value: the whole document. values: path of each value -> its position. keys: path of each value in a mapping -> the
    position of its key.
    errors: errors that did not stop the reader. broken: the paths of values that, because of an error, are None or lack
    a part.
    """

    value: Any
    values: Mapping[Path, FileOrigin]
    keys: Mapping[Path, FileOrigin]
    errors: tuple[FrostlineError, ...] = ()
    broken: frozenset[Path] = frozenset()

    def origin_of(self, path: Path, *, at_key: bool = False) -> FileOrigin:
        """Return the position of the value at `path`. at_key: the position of its key instead, if it has one."""
        return self.keys[path] if at_key and path in self.keys else self.values[path]


class _TooDeepError(yaml.composer.ComposerError):
    pass


class _NoCharacterError(yaml.scanner.ScannerError):
    pass


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with the implicit types of YAML 1.2 and a limit of depth."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError(None, None, None, self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def scan_flow_scalar_non_spaces(self, double: Any, start_mark: Any) -> Any:
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError):  # from chr(): PyYAML does not check the code that an escape gives
            raise _NoCharacterError(None, start_mark, None, self.get_mark()) from None


for _name in ("null", "bool", "int", "float"):
    _Loader.add_implicit_resolver(_PREFIX + _name, _SCALARS[_PREFIX + _name], _FIRST[_name])


def read_yaml(raw: bytes, label: str) -> Document:
    """Read the one document of a file. label: the file's path as users would type it.

    Raises UsageError if nothing can be read: the file is not UTF-8, has a syntax error or is empty. Raises ErrorGroup
    for an alias bomb.
    """
    text = _decoded(raw, label)
    if "\0" in text:
        words = "the file has NUL bytes: it is UTF-16 or UTF-32 without a byte order mark, or not a text file"
        raise UsageError(words, origin=_place_of_index(text, text.index("\0"), label), help=_SAVE_HELP)
    if control := Reader.NON_PRINTABLE.search(text):
        place = _place_of_index(text, control.start(), label)
        raise UsageError(
            f"a control character (U+{ord(control.group()):04X})",
            origin=place,
            help='remove it; in a value, write it as an escape in double quotes: "\\x1b"',
        )
    if conflict := _CONFLICT.search(text):
        raise UsageError(
            "the file has merge conflicts",
            origin=_place_of_index(text, conflict.start(), label),
            help="decide what is right, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
        )
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, label) from None
    except MemoryError:
        message = f"the file needs more memory than there is: it has {len(raw)} bytes"
        raise UsageError(message, origin=FileOrigin(label), help="give the process more memory") from None
    if root is None:
        raise UsageError("the file is empty", origin=FileOrigin(label), help=EMPTY_HELP)
    return _NodeReader(label).document(root)


class _NodeReader:
    """Turns nodes into values; records the position of each value, and the errors.

    aliased, repeated: how many values and characters aliases have repeated so far.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.values: dict[Path, FileOrigin] = {}
        self.keys: dict[Path, FileOrigin] = {}
        self.errors: list[FrostlineError] = []
        self.broken: set[Path] = set()
        self.open: set[int] = set()
        self.seen: set[int] = set()
        self.aliased = 0
        self.repeated = 0

    def document(self, root: yaml.Node) -> Document:
        value = self.value(root, ())
        return Document(value, self.values, self.keys, tuple(self.errors), frozenset(self.broken))

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.values[path] = self.place(node)
        self.count(node, path)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.open:
            return self.refuse(node, path, "an alias of a value inside that value", "write the value out")
        self.open.add(id(node))
        value = self.mapping(node, path) if isinstance(node, yaml.MappingNode) else self.sequence(node, path)
        self.open.remove(id(node))
        return value

    def count(self, node: yaml.Node, path: Path) -> None:
        """Count what aliases repeat. Raises ErrorGroup if it is too much."""
        if id(node) in self.seen:
            self.aliased += 1
            self.repeated += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        self.seen.add(id(node))
        if self.aliased > MAX_ALIASED:
            self.refuse(node, path, "aliases repeat more than 10,000 values", "write the values out")
            raise ErrorGroup(self.errors)
        if self.repeated > MAX_CHARACTERS:
            self.refuse(node, path, "aliases repeat more than 16 Mi characters", "write the values out")
            raise ErrorGroup(self.errors)

    def sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        self.check_tag(node, path, "seq")
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self.check_tag(node, path, "map")
        value: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = self.key(key_node, path)
            if name is None:
                continue
            if name in value:
                self.errors.append(self.duplicate_key_error(key_node, (*path, name)))
                continue
            self.keys[(*path, name)] = self.place(key_node)
            value[name] = self.value(value_node, (*path, name))
        return value

    def duplicate_key_error(self, node: yaml.Node, path: Path) -> UsageError:
        """Make the error about a key that the mapping already has."""
        first = self.keys[path]
        # A name below `token` may be a token.
        message = "a duplicate key" if "token" in path[:-1] else f"duplicate key `{path[-1]}`"
        help_text = f"the first one is in line {first.line}, column {first.column}; keep one of them"
        return UsageError(message, origin=self.place(node), help=help_text)

    def key(self, node: yaml.Node, path: Path) -> str | None:
        """Return the key as written; records an error and returns None if this cannot be a key."""
        if not isinstance(node, yaml.ScalarNode):
            is_template = isinstance(node, yaml.MappingNode) and node.flow_style
            self.refuse(node, path, "a list or mapping as a key", _TEMPLATE_HELP if is_template else _KEY_HELP)
        elif node.value == "<<" and node.style is None:
            self.refuse(node, path, "merge keys (`<<`) are not supported", "write the keys out")
        elif node.style is None and node.value.strip() != node.value:  # YAML removes only ASCII spaces
            self.refuse(
                node, path, "a no-break space, or the like, beside a key", "write spaces, as the space bar does"
            )
        elif node.tag != f"{_PREFIX}str" and node.tag not in _SCALARS:
            self.refuse(node, path, *_tag_words(node.tag, path))
        else:
            return self.text(node, path)
        return None

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.tag == f"{_PREFIX}str":
            return self.text(node, path)
        if node.tag not in _SCALARS:
            return self.refuse(node, path, *_tag_words(node.tag, path))
        if not _SCALARS[node.tag].match(node.value):  # an explicit tag: !!int abc
            return self.refuse(node, path, "the value does not fit its tag", "remove the tag")
        value = _plain(node.tag.removeprefix(_PREFIX), node.value)
        if isinstance(value, float) and not math.isfinite(value):
            return self.refuse(node, path, "a number out of range", "write a smaller one, or quote the value")
        return value

    def text(self, node: yaml.ScalarNode, path: Path) -> str | None:
        r"""Return the string. Two escaped surrogates, "\ud83d\ude00", are one character, as in JSON: JSON is YAML."""
        try:
            return str(node.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.refuse(node, path, "half of a surrogate pair", "write the character itself")
            return None

    def check_tag(self, node: yaml.Node, path: Path, expected: str) -> None:
        if node.tag != _PREFIX + expected:
            self.refuse(node, path, *_tag_words(node.tag, path))

    def refuse(self, node: yaml.Node, path: Path, message: str, help: str) -> None:
        """Record that the value at `path`, or one of its keys, cannot be read."""
        self.errors.append(UsageError(message, origin=self.place(node), help=help))
        self.broken.add(path)

    def place(self, node: yaml.Node) -> FileOrigin:
        return _place(node.start_mark, self.label)


def _plain(kind: str, written: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return written.lower() == "true"
    if kind == "float":
        return float(written.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if len(written) > _MAX_DIGITS:
        return math.inf
    return int(written, 0) if written[:2] in ("0o", "0x") else int(written)


def _tag_words(tag: str, path: Path) -> tuple[str, str]:
    # Do not quote a tag below `token`: in `token: !abc`, it may be a token.
    if tag.startswith(_PREFIX) and "token" not in path:
        return f"the tag `!!{tag.removeprefix(_PREFIX)}` is not supported", "remove the tag"
    return _QUOTE_TAG


def _decoded(raw: bytes, label: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError("the file is UTF-16 or UTF-32, not UTF-8", origin=FileOrigin(label), help=_SAVE_HELP)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode()
        place = _place_of_index(good, len(good), label)
        raise UsageError(
            f"the file is not UTF-8: it has the byte 0x{raw[error.start]:02x} here", origin=place, help=_SAVE_HELP
        ) from None


def _place_of_index(text: str, index: int, label: str) -> FileOrigin:
    before = text[:index].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return FileOrigin(label, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _place(mark: Any, label: str) -> FileOrigin:
    return FileOrigin(label, mark.line + 1, mark.column + 1) if mark else FileOrigin(label)


_SAVE_HELP = "save the file as UTF-8"
_KEY_HELP = "quote a key that starts with [ or {"
_TEMPLATE_HELP = "quote a key that starts with {; if this is a template (`{{ … }}`), name the file rendered from it"
_QUOTE_TAG = ("a value that starts with `!` is a YAML tag", 'put it in quotes: "!consul"')
_NOT_CLOSED = ("a quoted value that never ends", "close the quotes")
_NO_COLON = ("a key without its `:`", "write `key: value`")
_BROKEN_BLOCK = ("this line doesn't fit the lines above it", "look at the indentation")
_UNKNOWN = ("YAML does not allow this here", "look at this line and the one before it")

# By the first character of the construct that PyYAML was reading when it failed.
_BEGUN = {
    "*": ("a value that starts with `*` needs quotes", 'write "*"'),
    "&": ("a value that starts with `&` needs quotes", 'write "&…"'),
    "!": _QUOTE_TAG,
    "[": ("a list in [ ] that is broken or never ends", "separate by commas, close with ]"),
    "{": ("a mapping in { } that is broken or never ends", "separate by commas, close with }, quote values with `: `"),
}
# By the character where PyYAML failed, outside of such a construct.
_UNEXPECTED = {
    "\t": ("a tab where YAML wants spaces", "indent with spaces"),
    ":": ("a `:` where no key can be", "look at the indentation, or quote a value with `: `"),
    "-": ("a `-` where no list can be", "put it on a line of its own, indented"),
    "@": ("a value cannot start with this character", "put the value in quotes"),
    "`": ("a value cannot start with this character", "put the value in quotes"),
    "%": ("a value cannot start with this character", "put the value in quotes"),
}
# By the character where PyYAML failed to compose nodes.
_NOT_COMPOSED = {
    "*": ("an alias (`*`) without its anchor (`&`)", 'a value that starts with `*` needs quotes: "*"'),
    "&": ("a duplicate anchor (`&`)", "give it another name"),
}
_FLOW_TAG = re.compile(r"[\[{,:]\s*(![^\s\"']{0,200}[\]},])")
"""A tag with a closing bracket: PyYAML takes the bracket in `[!consul]` for a part of the tag, and then misses it.

The limit of 200 keeps the search from taking time quadratic in the length of the text.
"""


def _syntax_error(error: yaml.MarkedYAMLError, text: str, label: str) -> UsageError:
    """Reword a syntax error by the characters where PyYAML failed, because its own messages may change."""
    begun = _character(text, error.context_mark)
    if begun and begun in "[{" and (tag := _FLOW_TAG.search(text, error.context_mark.index)):  # type: ignore[union-attr]
        return _not_yaml(*_QUOTE_TAG, _place_of_index(text, tag.start(1), label))
    if isinstance(error, _TooDeepError):
        words = ("nested too deeply", f"at most {MAX_DEPTH} levels are read")
    elif isinstance(error, _NoCharacterError):
        words = ("an escape of a character that does not exist", r"the last character of Unicode is \U0010ffff")
    elif isinstance(error, yaml.composer.ComposerError):
        words = _NOT_COMPOSED.get(
            _character(text, error.problem_mark), ("a second YAML document", "keep one document: remove `---`")
        )
    else:
        words = _parser_words(error, text, begun)
    return _not_yaml(*words, _place(_mark(error, words, begun), label))


def _parser_words(error: yaml.MarkedYAMLError, text: str, begun: str) -> tuple[str, str]:
    problem = _character(text, error.problem_mark)
    if "simple key" in (error.context or ""):  # a key may begin with any character
        return _NO_COLON
    if begun and begun in "\"'":
        escape = problem and text[error.problem_mark.index - 1] == "\\"  # type: ignore[union-attr]
        return ("an unknown escape in double quotes", r"write a backslash as \\") if escape else _NOT_CLOSED
    if begun in _BEGUN:
        return _BEGUN[begun]
    if error.context_mark and isinstance(error, yaml.parser.ParserError):
        return _BROKEN_BLOCK
    return _UNEXPECTED.get(problem, _UNKNOWN)


def _character(text: str, mark: Any) -> str:
    """Return the character at this mark; "" at the end of the text, or without a mark."""
    return text[mark.index : mark.index + 1] if mark else ""


def _mark(error: yaml.MarkedYAMLError, words: tuple[str, str], begun: str) -> Any:
    """Return the mark of the error: where the wrong text is, or where a construct that never ends begins."""
    problem, context = error.problem_mark, error.context_mark
    if problem is None or context is None:
        return problem or context
    never_ends = words == _NOT_CLOSED or (begun in ("[", "{") and problem.line != context.line)
    return context if never_ends else problem


def _not_yaml(message: str, help: str, place: FileOrigin) -> UsageError:
    return UsageError(f"not valid YAML: {message}", origin=place, help=help)

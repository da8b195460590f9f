"""YAML as go-cty-yaml writes and reads it: a mixture of YAML 1.1 and 1.2 (resolve.go)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import yaml

from frostline.hcl.functions.base import FunctionError, Spend
from frostline.hcl.functions.characters import check_size
from frostline.hcl.number import Number, NumberError
from frostline.hcl.values import FALSE, NULL, TRUE, Value, number, object_value, string, tuple_value

STEPS_OF_A_CHARACTER = 5
"""PyYAML takes as long for one character as the evaluation does for five nodes."""

_STEPS_OF_A_NODE = 5
_TAG = "tag:yaml.org,2002:"
_WORDS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), TRUE),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), FALSE),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), NULL),
}
_INFINITIES = {f"{sign}.{word}": sign for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ \t]+)(\d{1,2}):(\d\d):(\d\d)(?:\.\d*)?[ \t]*(Z|([-+])(\d\d?):?(\d\d)?)?)?"
)


def yaml_text(value: Value) -> str:
    """Encode a value as a YAML document: strings in double quotes, strings of several lines as literal blocks."""
    events = [
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(explicit=False),
        *_events(value),
        yaml.DocumentEndEvent(explicit=False),
        yaml.StreamEndEvent(),
    ]
    text: str = yaml.emit(events, allow_unicode=True, width=2**31)
    text = text.removeprefix("--- ")
    check_size(len(text))
    return text


def _events(value: Value) -> Iterator[Any]:
    data, kind = value.data, value.type.kind
    if data is None:
        yield _scalar("null", "")
    elif kind == "string":
        yield _scalar(data, "|" if "\n" in data else '"')
    elif kind == "number":
        if data.is_infinite:
            raise FunctionError("YAML from cty has no infinity")
        yield _scalar(str(data), "")
    elif kind == "bool":
        yield _scalar("true" if data else "false", "")
    elif kind in ("map", "object"):
        yield yaml.MappingStartEvent(None, None, True, flow_style=False)
        for name, item in data.items():
            yield _scalar(name, "|" if "\n" in name else '"')
            yield from _events(item)
        yield yaml.MappingEndEvent()
    else:
        yield yaml.SequenceStartEvent(None, None, True, flow_style=False)
        for item in data:
            yield from _events(item)
        yield yaml.SequenceEndEvent()


def _scalar(text: str, style: str) -> Any:
    return yaml.ScalarEvent(None, None, (True, True), text, style=style or None)


def yaml_value(text: str, spend: Spend) -> Value:
    """Decode a YAML document; sequences become tuples. Raises FunctionError if it is invalid or has no value in cty."""
    spend(STEPS_OF_A_CHARACTER * len(text))
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise FunctionError(f"this is not YAML: {_reason(error)}") from None
    except (OverflowError, ValueError):  # from chr(): which of the two depends on the number and on Python's version
        raise FunctionError("this can't be read as YAML: an escape of a character that does not exist") from None
    except RecursionError as error:
        raise FunctionError(f"this can't be read as YAML: {error}") from None
    if node is None:
        raise FunctionError("there is no document")
    try:
        return _NodeReader(spend).value(node)
    except RecursionError:
        raise FunctionError("the YAML is nested too deeply") from None


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f" at {mark.line + 1}:{mark.column + 1}" if mark else ""
    return f"{getattr(error, 'problem', None) or error}{where}"


class _NodeReader:
    """Converts YAML nodes to values. Each alias converts its anchor's value again, so each value takes steps."""

    def __init__(self, spend: Spend) -> None:
        self._spend = spend
        self._open: set[int] = set()

    def value(self, node: Any) -> Value:
        self._spend(_STEPS_OF_A_NODE)
        if id(node) in self._open:
            raise FunctionError("an alias refers to a value that it is part of")
        self._open.add(id(node))
        try:
            match node:
                case yaml.ScalarNode():
                    return _resolved(node)
                case yaml.SequenceNode():
                    return tuple_value([self.value(item) for item in node.value])
                case _:
                    return self._mapping(node)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: Any) -> Value:
        values: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for key, item in node.value:
            if _is_merge(key):
                sources = item.value if isinstance(item, yaml.SequenceNode) else [item]
                for source in sources:
                    value = self.value(source)
                    if value.type.kind != "object":
                        raise FunctionError("`<<` must merge a mapping")
                    merged = {**value.data, **merged}
                continue
            name = self.value(key)
            if name.data is None or name.type.kind not in ("string", "number", "bool"):
                raise FunctionError("keys must be strings")
            text = str(name.data).lower() if name.type.kind == "bool" else str(name.data)
            values[text] = self.value(item)
        return object_value({**merged, **values})


def _is_merge(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "<<" and node.style is None


def _resolved(node: Any) -> Value:
    text: str = node.value
    # The loader resolves plain scalars by its own rules, so only a tag in the text counts.
    explicit = node.tag if node.tag.startswith("!") or _has_tag(node) else ""
    tag = explicit.removeprefix(_TAG)
    if tag in ("str", "binary"):
        if tag == "binary":
            _check_base64(text)
        return string(text)
    if node.style in ("'", '"'):
        return string(text)
    if not tag and node.style in ("|", ">"):
        return string(text)
    if tag not in ("", "bool", "int", "float", "null", "timestamp"):
        raise FunctionError(f"there is no tag `{explicit}`")
    return _plain(text, tag)


def _has_tag(node: Any) -> bool:
    mark = node.start_mark
    return bool(mark.buffer is not None and mark.buffer[mark.pointer : mark.pointer + 1] == "!")


def _check_base64(text: str) -> None:
    try:
        b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise FunctionError("a binary value is not base64") from None


def _plain(text: str, tag: str) -> Value:
    if text in _WORDS and tag in ("", "bool", "null"):
        return _WORDS[text]
    if text in _INFINITIES:
        return number(Number.of_float(float("-inf" if _INFINITIES[text] == "-" else "inf")))
    if text in (".nan", ".NaN", ".NAN"):
        raise FunctionError("NaN is not supported")
    if tag in ("", "timestamp") and (match := _TIMESTAMP.fullmatch(text)):
        return string(_timestamp(match))
    if tag in ("int", "float") or _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text):
        return _number(text)
    if tag:
        raise FunctionError(f"`{text}` is not a valid {tag}")
    return string(text)


def _number(text: str) -> Value:
    plain = text.replace("_", "")
    try:
        if re.fullmatch("0[xob].*", plain):
            return number(Number(int(plain, 0), 64))
        return number(Number.parse(plain))
    except (NumberError, ValueError):
        raise FunctionError(f"`{text}` is not a number") from None


def _timestamp(match: re.Match[str]) -> str:
    """Format a time as in RFC 3339, to the second."""
    year, month, day = (int(match[group]) for group in (1, 2, 3))
    hour, minute, second = (int(match[group] or 0) for group in (4, 5, 6))
    zone = UTC
    if match[8]:
        offset = timedelta(hours=int(match[9]), minutes=int(match[10] or 0))
        zone = timezone(-offset if match[8] == "-" else offset)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).isoformat().replace("+00:00", "Z")
    except ValueError:
        return match[0]

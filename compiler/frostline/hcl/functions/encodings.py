"""Functions that encode, decode and hash (go-cty-funcs: encoding, crypto, uuid; cty: json, csv)."""

from __future__ import annotations

import binascii
import csv
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from io import StringIO
from urllib.parse import quote_plus
from uuid import NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500, UUID, uuid5

from frostline.hcl.functions.base import Function, FunctionError, Parameter, Spend
from frostline.hcl.functions.json_text import json_text, json_value
from frostline.hcl.functions.yaml_text import STEPS_OF_A_CHARACTER, yaml_text, yaml_value
from frostline.hcl.values import DYNAMIC, STRING, Type, Value, list_value, object_value, string
from frostline.hcl.weights import extent

_TEXT = Parameter("str", STRING)
_NAMESPACES = {"dns": NAMESPACE_DNS, "url": NAMESPACE_URL, "oid": NAMESPACE_OID, "x500": NAMESPACE_X500}
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_MOST_CELLS = 1_000_000
_CHARACTERS_OF_A_VALUE = 5


def _of(change: Callable[[str], str]) -> Function:
    """Make a function of one string from its Python code."""
    return Function((_TEXT,), lambda text: string(change(text.data)))


def _base64decode(text: str) -> str:
    bare = text.replace("\r", "").replace("\n", "")  # Go's decoder skips newlines
    try:
        if not _BASE64.fullmatch(bare):
            raise binascii.Error
        return b64decode(bare).decode()
    except binascii.Error:
        raise FunctionError("this is not base64") from None
    except UnicodeDecodeError:
        raise FunctionError("the bytes are not UTF-8") from None


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _uuidv5(namespace: Value, name: Value) -> Value:
    try:
        base = _NAMESPACES.get(namespace.data) or UUID(namespace.data)
    except ValueError:
        raise FunctionError(f"`{namespace.data}` is neither a UUID nor one of {', '.join(_NAMESPACES)}") from None
    return string(str(uuid5(base, name.data)))


def _csvdecode(text: Value) -> Value:
    """Return a list of objects, one for each row below the header (RFC 4180, as Go's encoding/csv reads it)."""
    rows = [row for row in _rows(text.data) if row]
    if not rows:
        raise FunctionError("there is no header line")
    header, *records = rows
    seen: set[str] = set()
    for name in header:
        if name in seen:
            raise FunctionError(f"the header has `{name}` twice")
        seen.add(name)
    if len(records) * len(header) > _MOST_CELLS:
        raise FunctionError(f"there are more than {_MOST_CELLS} cells")
    for line, record in enumerate(records, 2):
        if len(record) != len(header):
            raise FunctionError(f"record {line} has {len(record)} fields, the header {len(header)}")
    objects = [object_value(dict(zip(header, map(string, record), strict=True))) for record in records]
    return list_value(Type("object", attributes=dict.fromkeys(header, STRING)), objects)


def _rows(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(StringIO(text.replace("\r\n", "\n"), newline=""), strict=True))
    except csv.Error as error:
        raise FunctionError(f"this is not CSV: {error}") from None


def _yamldecode(spend: Spend, text: Value) -> Value:
    return yaml_value(text.data, spend)


def _yamlencode(spend: Spend, value: Value) -> Value:
    spend(STEPS_OF_A_CHARACTER * _CHARACTERS_OF_A_VALUE * extent(value)[0])
    return string(yaml_text(value))


_VALUE = Parameter("val", DYNAMIC, null=True)

FUNCTIONS: Mapping[str, Function] = {
    "base64decode": _of(_base64decode),
    "base64encode": _of(lambda text: b64encode(text.encode()).decode()),
    "csvdecode": Function((_TEXT,), _csvdecode),
    "jsondecode": Function((_TEXT,), lambda text: json_value(text.data)),
    "jsonencode": Function((_VALUE,), lambda value: string(json_text(value))),
    "md5": _of(_digest("md5")),
    "sha1": _of(_digest("sha1")),
    "sha256": _of(_digest("sha256")),
    "sha512": _of(_digest("sha512")),
    "urlencode": _of(lambda text: quote_plus(text, safe="")),
    "uuidv5": Function((Parameter("namespace", STRING), Parameter("name", STRING)), _uuidv5),
    "yamldecode": Function((Parameter("src", STRING),), _yamldecode, counted=True),
    "yamlencode": Function((Parameter("value", DYNAMIC, null=True),), _yamlencode, counted=True),
}

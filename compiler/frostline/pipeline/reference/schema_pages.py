"""The pages docs/reference/*.md: tables of all keys and fields in the JSON Schemas.

`make reference` writes them, and a test compares them.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import msgspec
import yaml

import frostline.outputs.base as outputs
from frostline.resources import schema_text

_WRITTEN = "<!-- Written by `make reference`. -->\n"
_CONFIGURATION = """\
# Every key of frostline.yaml

This page comes from the JSON Schema that checks frostline.yaml; `frostline schema config` prints the schema.
`tls.ca_file` is the key `ca_file` in the mapping `tls`, `accept[].rule` is the key `rule` of an item of the list
`accept`, and you choose NAME. The pages of [sources](../README.md#reference) and [outputs](../outputs.md) say more,
with examples. [A sample](../../samples/reference/README.md) has all parts in one configuration.
"""
_FORMATS = """\
# Formats

This page lists the fields of the files and reports that frostline writes. It comes from the JSON Schemas;
`frostline schema NAME` prints them. The [registry](../registry.md) has its own page.
"""
_PARTS: Mapping[str, str] = {
    "consul": "The keys of [a source `consul`](../sources/consul.md).",
    "nomad": "The keys of [a source `nomad`](../sources/nomad.md).",
    "jobspec": "The keys of [a source `jobspec`](../sources/jobspec.md).",
    "static": "The keys of [a source `static`](../sources/static.md).",
    "router": "The keys of [a source `router`](../sources/router.md).",
    "select": "[Selection](../concepts/selection.md), for `select` of a source.",
    "keep": "[What is frozen](../concepts/selection.md), for `keep` of a source.",
    "scheme": "[Rules for the scheme](../concepts/naming.md#the-scheme), for `scheme` of a source.",
    "version_from": "[Versions](../concepts/naming.md), for `version_from` of a source.",
    "token": "For `token` of a source.",
    "tls": "For `tls` of a source.",
    "partial": "For `partial` of a source.",
    "auth": "[Authentication](../concepts/auth.md), for `auth` of a source.",
    "output": "The keys of [all outputs](../outputs.md); below, those that only one type has.",
    "python": "[The output `python`](../outputs/python.md).",
    "yaml": "[The output `yaml`](../outputs/yaml.md).",
    "hiera": "[The output `hiera`](../outputs/hiera.md).",
    "puppet-module": "[The output `puppet-module`](../outputs/puppet-module.md).",
    "template": "[The output `template`](../outputs/template.md).",
    "page": "[The output `page`](../outputs/page.md).",
    "checks": "[Checks](../checks.md).",
    "guards": "[Guards](../concepts/guards.md).",
    "override": "[Overrides](../one-bad-address.md), for `overrides`.",
}
"""The definitions that have a table of their own, in this order -> the line below their heading."""

_WORDS = {"boolean": "true or false", "integer": "number", "string": "text", "object": "mapping", "array": "list"}
_NAMED = ("name", "path", "duration", "age", "day", "share")
"""Definitions that a table shows by their name: it says what they take."""

_FORMAT_NAMES = ("plan", "report", "lock", "manifest", "confirmed")


class Tables(msgspec.Struct, frozen=True):
    """Turns the parts of a schema into tables."""

    schema: Mapping[str, Any]
    anchors: Mapping[str, str]
    """Definition that has a table of its own -> the anchor of its heading."""

    heads: tuple[str, str, str]
    """The headings of all columns before the last one."""
    required: str
    """The text of the third column for a required key."""

    def table(self, part: Mapping[str, Any], without: Collection[str] = ()) -> str:
        """Return the table of a definition's keys. without: keys to leave out."""
        own = {key: value for key, value in part.get("properties", {}).items() if key not in without}
        rows = list(self._rows({**part, "properties": own}, "")) or list(self._rows(part["items"], ""))
        lines = [(*self.heads, "meaning"), ("---",) * 4, *rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def _rows(self, part: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
        """Yield a row for each property, followed by the rows of what is in it, unless that has a table of its own."""
        for key, value in part.get("properties", {}).items():
            if key == "type" and "const" in value:
                continue
            whole = self._resolved(value)
            default = self.required if key in part.get("required", ()) else _default(whole)
            yield _code(prefix + key), self._takes(value), default, cell_text(whole.get("description", ""))
            yield from self._inner(value, prefix + key)
        for member in part.get("oneOf", ()):
            yield from self._rows(member, prefix)

    def _inner(self, value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
        """Yield the rows for what is in a value: its keys, or those of its items."""
        if _definition(value) in self.anchors:
            return
        whole = self._resolved(value)
        yield from self._rows(whole, f"{prefix}.")
        for key, suffix in (("items", "[]"), ("additionalProperties", ".NAME")):
            if isinstance(whole.get(key), Mapping) and not _same_keys(whole, self._resolved(whole[key])):
                yield from self._inner(whole[key], prefix + suffix)

    def _takes(self, value: Mapping[str, Any]) -> str:
        """Return in words what may be written."""
        name = _definition(value)
        if name in _NAMED:
            return name
        if name in self.anchors:
            return f"{self._takes(self._resolved(value))} ([{name}](#{self.anchors[name]}))"
        if "$ref" in value:
            return self._takes({**self._referred(value), **{key: value[key] for key in value if key != "$ref"}})
        if "const" in value:
            return _code(value["const"])
        if "enum" in value:
            return ", ".join(_code(choice) for choice in value["enum"])
        types = value.get("type", "object")
        return " or ".join(self._of_type(kind, value) for kind in ([types] if isinstance(types, str) else types))

    def _of_type(self, kind: str, value: Mapping[str, Any]) -> str:
        if kind != "array" or "items" not in value:
            return _WORDS.get(kind, kind)
        item = self._takes(value["items"])
        first, space, rest = item.partition(" ")
        return f"list of {first}s{space}{rest}" if first.isalpha() and rest[:1] in ("", "(") else f"list ({item})"

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the value merged with the definition that it refers to. Keys beside the reference win."""
        if "$ref" not in value:
            return value
        beside = {key: part for key, part in value.items() if key != "$ref"}
        return {**self._resolved(self._referred(value)), **beside}

    def _referred(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        part: Mapping[str, Any] = self.schema
        for step in value["$ref"].removeprefix("#/").split("/"):
            part = part[step]
        return part


def configuration_page() -> str:
    """Return the text of docs/reference/configuration.md."""
    schema = json.loads(schema_text("config"))
    tables = Tables(schema, {name: name for name in _PARTS}, ("key", "takes", "default"), "required")
    common = schema["$defs"]["output"]["properties"]
    sections = [_CONFIGURATION, tables.table(schema)]
    for name, line in _PARTS.items():
        without = common if name in outputs.TABLE else ()
        sections.append(f"## {name}\n\n{line}\n\n{tables.table(schema['$defs'][name], without)}")
    return _WRITTEN + "\n".join(sections)


def formats_page() -> str:
    """Return the text of docs/reference/formats.md."""
    sections = [_FORMATS]
    for name in _FORMAT_NAMES:
        schema = json.loads(schema_text(name))
        anchors = {
            part: f"{name}-{part}" for part, value in schema["$defs"].items() if {"properties", "oneOf"} & set(value)
        }
        tables = Tables(schema, anchors, ("field", "holds", "default"), "always there")
        sections.append(f"## {name}\n\n{_paragraph(schema)}")
        if "properties" in schema:
            sections.append(tables.table(schema))
        for part in anchors:
            value = schema["$defs"][part]
            sections.append(f"### {name}: {part}\n")
            if "description" in value:
                sections.append(_paragraph(value))
            sections.append(tables.table(value))
    return _WRITTEN + "\n".join(sections)


PAGES: Mapping[str, Callable[[], str]] = {"configuration": configuration_page, "formats": formats_page}


def _same_keys(value: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether an item of the value has the same keys as the value itself: it may be a mapping, or a list of them."""
    return "properties" in value and value["properties"].keys() == item.get("properties", {}).keys()


def _definition(value: Mapping[str, Any]) -> str:
    """Return the name of the definition that the value refers to; "" if it refers to none."""
    reference = str(value.get("$ref", ""))
    return reference.removeprefix("#/$defs/") if reference.startswith("#/$defs/") else ""


def _paragraph(value: Mapping[str, Any]) -> str:
    return fill(cell_text(value["description"]), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _default(value: Mapping[str, Any]) -> str:
    if value.get("default", {}) == {}:
        return ""
    text = yaml.safe_dump(value["default"], default_flow_style=True, width=1000, explicit_end=False)
    return _code(text.removesuffix("...\n").strip())


def _code(value: object) -> str:
    """Return the value as code. In a table git hosts read `\\|` as a bar in code but Python-Markdown does not, so a
    value with a bar becomes HTML."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def cell_text(text: str) -> str:
    """Return a description as a cell: code stays code, and all other characters are literal."""
    parts = re.split(r"`([^`]*)`", text)
    parts[0::2] = [re.sub(r"[*<|]", lambda match: f"&#{ord(match[0])};", words) for words in parts[0::2]]
    parts[1::2] = [_code(word) for word in parts[1::2]]
    return "".join(parts)


def main() -> None:
    """Write the pages into the folder that the first argument names."""
    for name, page_text in PAGES.items():
        (Path(sys.argv[1]) / f"{name}.md").write_text(page_text(), encoding="utf-8")


if __name__ == "__main__":
    main()

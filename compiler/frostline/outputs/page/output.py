"""The output `page`: one HTML file that shows the registry and opens no connection.

The page's Content-Security-Policy allows no address at all, and only the page's own script and style, by their hashes.
The registry is data in the page, never markup: page.js makes text nodes of it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from pathlib import PurePosixPath
from typing import Any

import msgspec
from msgspec import Struct

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.output_keys import output_settings
from frostline.outputs.page.data import page_data
from frostline.resources import resource_folder
from frostline.settings import OutputSettings
from frostline.text import escape_control, escape_json

_TITLE = "Service registry"

SCHEMA: Mapping[str, Any] = {
    "description": "One HTML file that shows and searches the registry, without a network.",
    "properties": {
        "title": {"description": "The heading of the page.", **ref("text"), "default": _TITLE},
    },
}

_PLACE = re.compile("@@([a-z]+)@@")


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: title."""
    return output_settings(cursor, context, {"title": _TITLE} | cursor.present(title=as_is))


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The file."""
    return (Claim(settings.path),)


def render(view: View, settings: OutputSettings) -> Rendering:
    """The page."""
    return Rendering(artifacts=(Artifact(path=PurePosixPath(settings.path.name), chunks=_Page(view, settings)),))


class _Page(Struct, frozen=True):
    """The page as chunks of bytes. Each iteration generates the same chunks again."""

    view: View
    settings: OutputSettings

    def __iter__(self) -> Iterator[bytes]:
        data = page_data(self.view.registry, self.view.beside(), self.settings.origin, self.view.digest())
        script, style = _script(has_graph=bool(data["consumers"])), _asset("page.css")
        texts = {
            "policy": _policy(script, style),
            "title": escape(escape_control(str(self.settings.options.get("title", _TITLE)))),
            "style": style,
            "script": script,
        }
        pieces = _PLACE.split(_asset("index.html"))
        for number, piece in enumerate(pieces):
            if number % 2 == 0:
                yield piece.encode()
            elif piece == "data":
                yield _members(data)
            else:
                yield texts[piece].encode()


def _script(*, has_graph: bool) -> str:
    """The script of the page. has_graph: there are consumers, so it needs the code that draws them."""
    return "\n".join([*(_drawing() if has_graph else ()), _asset("page.js")])


def _drawing() -> Iterator[str]:
    """dagre with its licence, and the code that uses it. dagre's last lines are left out: they name a separate file."""
    code, _, _ = _asset("dagre/dagre.min.js").partition("/*! For license information")
    yield from (_asset("dagre/dagre.min.js.LEGAL.txt"), code, _asset("graph.js"), _asset("picture.js"))


def _members(value: Mapping[str, Any]) -> bytes:
    """A JSON object in which each row of its lists has its own line."""
    return b"{%s}" % b",\n".join(b"%s:%s" % (_json(name), _lines(member)) for name, member in value.items())


def _lines(member: Any) -> bytes:
    """The value as JSON, a list with one row a line."""
    return b"[\n%s]" % b",\n".join(map(_json, member)) if isinstance(member, list) else _json(member)


def _json(value: Any) -> bytes:
    """The value as JSON that cannot end its HTML element: `<` is escaped, and so is what a reviewer could not see."""
    text = _encode(value).replace(b"<", b"\\u003c")
    return text if text.isascii() and b"\x7f" not in text else escape_json(text.decode()).encode()


_encode = msgspec.json.Encoder().encode


def _policy(script: str, style: str) -> str:
    """The Content-Security-Policy of the page (CSP level 3). A policy in a page cannot have `frame-ancestors`."""
    return (
        f"default-src 'none'; script-src '{_source_hash(script)}'; style-src '{_source_hash(style)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _source_hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _asset(name: str) -> str:
    return (resource_folder("templates") / "page" / name).read_text(encoding="utf-8")

"""The outputs of a configuration as settings, and which paths they may not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from keyword import iskeyword
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.config.cursor import Cursor, as_is, globs, pattern_parts, texts
from frostline.config.paths import is_file, resolved
from frostline.outputs.base import output_types
from frostline.patterns import CLASS_PARAMETER_HELP, makes_class_parameters
from frostline.resources import resource_folder
from frostline.settings import OutputSettings
from frostline.sources.configuring import known_type, source_names
from frostline.text import display_path, quote

_COMMON = ("type", "path", "name", "select", "sources", "prefer", "consumer")


class Reserved(Struct, frozen=True):
    """A file, or a folder with all in it, that outputs leave alone, and how messages call it."""

    path: Path
    name: str
    is_folder: bool = False


class _Claim(Struct, frozen=True):
    """A path that an output writes; with is_folder all below it."""

    path: Path
    is_folder: bool
    at: Cursor


def outputs_of(
    at: Cursor | None, folder: Path, root: Path, sources: Mapping[str, object], reserved: Sequence[Reserved]
) -> tuple[OutputSettings, ...]:
    """The outputs in the order written. sources: the names that there are."""
    if at is None:
        return ()
    items = at.items()
    built = [_output(item, folder, sources) for item in items]
    templates = [
        Reserved(Path(output.options["template"]), "a template")
        for output in built
        if output is not None and output.type == "template" and "template" in output.options
    ]
    _check_paths(items, folder, root, [*reserved, *templates])
    _check_names(items)
    return tuple(output for output in built if output is not None)


def _output(at: Cursor, folder: Path, sources: Mapping[str, object]) -> OutputSettings | None:
    kind = known_type(at, output_types(), "output")
    fields = at.present(
        path=lambda path: resolved(folder, path.value),
        select=globs,
        sources=lambda names: source_names(names, sources),
        prefer=texts,
        consumer=as_is,
    )
    options = {} if kind is None else _options(at, kind, folder)
    if kind is None or "path" not in fields:
        return None
    return OutputSettings(name=_name(at), type=kind, origin=at.origin, options=options, **fields)


def _name(at: Cursor) -> str:
    return str(at.value.get("name", at.value["path"]))


def _options(at: Cursor, kind: str, folder: Path) -> dict[str, Any]:
    """What only this type knows, as plain values."""
    match kind:
        case "python":
            _check_module(at)
            return {}
        case "yaml":
            return {"format": "yaml"} | at.present(format=as_is, split=as_is, fields=_text_list)
        case "hiera":
            return {"format": "yaml"} | at.present(format=as_is, layers=_text_list, keys=_keys)
        case "template":
            return at.present(template=lambda template: _template(template, folder))
        case _:
            return {key: value for key, value in at.value.items() if key not in _COMMON}


def _check_module(at: Cursor) -> None:
    """A module can be imported by the name of its file."""
    path = at.get("path")
    if path is None:
        return
    name = Path(path.value).name
    module = name.removesuffix(".py")
    if module == name or not module.isidentifier() or iskeyword(module):
        path.refuse(f"{quote(path.value)} is no path of a Python module", "write a path such as app/registry.py")


def _text_list(at: Cursor) -> list[str]:
    return list(texts(at))


def _keys(at: Cursor) -> dict[str, str]:
    for entry in at.entries():
        pattern = Cursor(entry.reading, entry.path, entry.key)
        parts = pattern_parts(pattern, {"service": False, "version": False})
        if parts is not None and not makes_class_parameters(parts):
            pattern.refuse(f"`{entry.key}` makes no name of a class parameter", CLASS_PARAMETER_HELP)
    return {entry.key: entry.value for entry in at.entries()}


def _template(at: Cursor, folder: Path) -> str | None:
    """The path of the user's template, else of the one of that name that comes with frostline."""
    theirs = resolved(folder, at.value)
    if is_file(theirs):
        return str(theirs)
    templates = resource_folder("templates")
    ours = resolved(templates, at.value)
    if ours.is_relative_to(templates) and is_file(ours):
        return str(ours)
    at.refuse(f"there is no template {quote(at.value)}", "its path is relative to the folder of this file")
    return None


def _claims(at: Cursor, folder: Path) -> list[_Claim]:
    """What an output of one of our own types writes; of other types only its path is known."""
    written, kind = at.get("path"), at.get("type")
    if written is None:
        return []
    path = resolved(folder, written.value)
    is_folder = kind is not None and (kind.value == "hiera" or (kind.value == "yaml" and "split" in at.value))
    claims = [_Claim(path, is_folder, written)]
    if kind is not None and kind.value == "python" and path.name:
        claims.append(_Claim(path.with_suffix(".pyi"), False, written))
    return claims


def _check_paths(items: Sequence[Cursor], folder: Path, root: Path, reserved: Sequence[Reserved]) -> None:
    """Each output writes inside root, and where nobody else does."""
    earlier: list[_Claim] = []
    for item in items:
        claims = _claims(item, folder)
        for claim in claims:
            if not _is_free(claim, root, reserved, earlier):
                break
        earlier += claims


def _is_free(claim: _Claim, root: Path, reserved: Sequence[Reserved], earlier: Sequence[_Claim]) -> bool:
    """Whether the output may write there; says why not."""
    at, path = claim.at, claim.path
    if not path.is_relative_to(root):
        at.refuse(
            f"the output {quote(at.value)} is outside `root`", f"write below {display_path(root)}, or change `root`"
        )
        return False
    if path == root:
        at.refuse("the output is `root` itself", "name a file or folder in it")
        return False
    for other in reserved:
        if path == other.path or (other.is_folder and path.is_relative_to(other.path)):
            at.refuse(f"the output would overwrite {other.name}", "write it to another path")
            return False
        if other.path.is_relative_to(path) and not claim.is_folder:
            at.refuse(f"the output would be a file where {other.name} needs a folder", "write it to another path")
            return False
    for before in earlier:
        if path == before.path:
            at.refuse(f"two outputs write {display_path(path)}", f"the other one is in line {before.at.origin.line}")
            return False
        if path.is_relative_to(before.path) or before.path.is_relative_to(path):
            inner, outer = (path, before.path) if path.is_relative_to(before.path) else (before.path, path)
            at.refuse(
                f"two outputs overlap: {display_path(inner)} lies in {display_path(outer)}",
                f"the other one is in line {before.at.origin.line}; give each a place of its own",
            )
            return False
    return True


def _check_names(items: Sequence[Cursor]) -> None:
    """Each output has a name of its own; two without one that write the same path are told so already."""
    first: dict[str, Cursor] = {}
    for item in items:
        written = item.get("name") or item.get("path")
        if written is None:
            continue
        before = first.setdefault(written.value, written)
        if before is not written and not (before.key == "path" and written.key == "path"):
            written.refuse(
                f"two outputs have the name {quote(written.value)}",
                f"the other one is in line {before.origin.line}; `name` gives an output another",
            )

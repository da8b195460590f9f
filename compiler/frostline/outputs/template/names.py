"""The filter `name`: makes a valid name for a place (a language or program) from any text.

Characters that the place does not allow become its filler, so two texts may become the same name. Each rendering
remembers the names that it made. Such a collision is an error finding, so that no two things get the same name.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from msgspec import Struct

from frostline.model import FileOrigin, Finding
from frostline.outputs.template.text import TemplateFault, to_text
from frostline.rules import Rule
from frostline.text import closest, list_names, quote

NAME_COLLISION = Rule(
    name="name-collision",
    summary="a template gives two things the same name",
    why=(
        "If a format allows few characters in names, the names of different services may become the same. The "
        "file would have this name twice. Its reader refuses the file, or sends the requests for one service to "
        "the other."
    ),
    example="frostline.yaml:12:7: error[name-collision]: "
    "`user-v1` and `user_v1` both become the name `USER_V1` (env)\n"
    "  help: rename one of them, leave one out with `select`, or make the name of more than this value",
    mend="rename one of them, leave one out with `select`, or make the name of more than this value",
)
RULES = (NAME_COLLISION,)

_GO_PART = re.compile("[A-Za-z0-9]+")

# JLS 3.9, with the literals; ECMA-262 12.7.2, with what is reserved in strict mode and modules.
_JAVA = """
    abstract assert boolean break byte case catch char class const continue default do double else enum extends final
    finally float for goto if implements import instanceof int interface long native new package private protected
    public return short static strictfp super switch synchronized this throw throws transient try void volatile while
    _ true false null
""".split()  # noqa: SIM905
_JAVASCRIPT = """
    await break case catch class const continue debugger default delete do else enum export extends false finally for
    function if import in instanceof new null return super switch this throw true try typeof var void while with let
    static yield implements interface package private protected public arguments eval undefined
""".split()  # noqa: SIM905


class Place(Struct, frozen=True, kw_only=True):
    """The names that a place allows.

    others: the characters that it does not allow. filler: replaces each of these. trims: names neither begin nor end
    with the filler. before: precedes a first character that `first` does not match. fold: lower, upper, or "" for
    neither. longest: the most characters of a name, 0 for any number. reserved: words that cannot be names there.
    """

    others: str = "[^A-Za-z0-9_]"
    filler: str = "_"
    trims: bool = False
    first: str = "[A-Za-z_]"
    before: str = "_"
    fold: str = ""
    longest: int = 0
    reserved: frozenset[str] = frozenset()

    def name(self, text: str) -> str:
        """The name that this text becomes."""
        name = re.sub(self.others, self.filler, text)
        name = {"lower": name.lower(), "upper": name.upper()}.get(self.fold, name)
        if self.trims:
            name = name.strip(self.filler)
        if not re.search("[A-Za-z0-9]", name):
            name = self._folded(f"x{self.filler}{_digest(text)}")
        if not re.match(self.first, name):
            name = self.before + name
        if self.longest and len(name) > self.longest:
            name = f"{name[: self.longest - 9].rstrip(self.filler)}{self.filler}{_digest(text)}"
        return f"{name}{self.filler}" if name in self.reserved else name

    def _folded(self, name: str) -> str:
        return name.upper() if self.fold == "upper" else name


def _go(text: str) -> str:
    """An exported Go identifier: `user-v1` becomes UserV1. `_` separates the digits of two parts."""
    name = ""
    for part in _GO_PART.findall(text):
        meet = name[-1:].isdigit() and part[0].isdigit()
        name += f"{'_' if meet else ''}{part[0].upper()}{part[1:]}"
    if not name:
        return f"X{_digest(text)}"
    return name if name[0].isalpha() else f"X{name}"


def _prometheus(text: str) -> str:
    """A label's name. Prometheus reserves names that begin with `__`. `__meta_…` is allowed: relabelling drops it."""
    name = PLACES["prometheus"].name(text)
    return name if name.startswith("__meta_") else re.sub("^__+", "_", name)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


_DNS = Place(others="[^A-Za-z0-9-]", filler="-", trims=True, first="[a-z0-9]", fold="lower", longest=63)

PLACES: Mapping[str, Place] = {
    # YAML allows at most 1,024 characters for a key without `?`.
    # A group `localhost` would receive the plays that are meant for the machine on which Ansible runs.
    "ansible": Place(longest=200, reserved=frozenset({*keyword.kwlist, "all", "ungrouped", "localhost"})),
    "dns": _DNS,  # a label: RFC 1123 2.1
    "env": Place(fold="upper"),
    "go": Place(),
    "haproxy": Place(others="[^A-Za-z0-9_.:-]", first="."),
    "hcl": Place(others="[^A-Za-z0-9_-]", reserved=frozenset({"true", "false", "null"})),
    "java": Place(reserved=frozenset(_JAVA)),
    "javascript": Place(reserved=frozenset(_JAVASCRIPT)),
    "kubernetes": Place(  # a label that begins with a letter, as names of Services do: RFC 1035 2.3.1
        others="[^A-Za-z0-9-]", filler="-", trims=True, first="[a-z]", before="x-", fold="lower", longest=63
    ),
    "nginx": Place(others="[^A-Za-z0-9_.-]", first="[a-z0-9_]", fold="lower"),
    "prometheus": Place(),
    "python": Place(reserved=frozenset(keyword.kwlist)),
    "traefik": Place(others="[^A-Za-z0-9_-]", filler="-", first="[A-Za-z0-9_]", before="x", longest=200),
}
_SPECIAL = {"go": _go, "prometheus": _prometheus}


class _Collision(NamedTuple):
    """Two texts that became the same name of a place, sorted."""

    name: str
    place: str
    first: str
    second: str


class Names:
    """The filter `name` of one output, with the names that it has made."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str, str], str] = {}
        self._collisions: set[_Collision] = set()

    def name(self, value: Any, place: Any, within: Any = "") -> str:
        """The name of this value for `place`. within: names the scope in which it must be unique; "": the output."""
        text, place, within = to_text(value, "made a name"), str(place), to_text(within, "the bounds of a name")
        if place not in PLACES:
            near = closest(place, PLACES)
            known = f"did you mean {quote(near)}?" if near else f"the places are {list_names(sorted(PLACES))}"
            raise TemplateFault(f"no names are made for {quote(place)}", known)
        if not text:
            raise TemplateFault("an empty text cannot become a name")
        text = str(text)
        made = _SPECIAL[place](text) if place in _SPECIAL else PLACES[place].name(text)
        first = self._first.setdefault((place, within, made), text)
        if first != text:
            self._collisions.add(_Collision(made, place, *sorted((first, text))))
        return made

    def findings(self, origin: FileOrigin) -> Iterator[Finding]:
        """A finding for each two texts that became the same name. origin: the output's."""
        for name, place, first, second in sorted(self._collisions):
            yield NAME_COLLISION.finding(
                f"{quote(first)} and {quote(second)} both become the name {quote(name)} ({place})",
                value=name,
                origin=origin,
            )

"""Metrics in Prometheus's text format, as node_exporter's textfile collector reads it from files.

A library is not worth it here: the format has a line for each value, and escapes three characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from msgspec import Struct

from frostline.text import escape_control

Labels = tuple[tuple[str, str], ...]
"""The names and values of the labels, in order."""

_SAMPLE = re.compile(r'(?P<name>\w+)\{(?P<labels>(?:\w+="(?:[^"\\]|\\.)*",?)*)\} (?P<value>[0-9.]+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\": r"\\", '"': r"\""}


class Sample(Struct, frozen=True):
    """One value of a metric; not negative."""

    name: str
    labels: Labels
    value: float


def sample(name: str, labels: Mapping[str, str], value: float) -> Sample:
    """A sample with these labels, in which every control character is written as an escape such as `\\x1b`."""
    return Sample(name, tuple((label, escape_control(text)) for label, text in labels.items()), value)


def exposition(samples: Iterable[Sample], helps: Mapping[str, str]) -> str:
    """The text of these samples, all of them gauges, in the order of `helps`: metric -> what it is.

    Of two with the same name and labels the last one counts: the collector takes no value twice.
    """
    order = list(helps)
    unique = {(order.index(one.name), one.labels): one for one in samples}
    lines: list[str] = []
    for name, group in groupby((unique[key] for key in sorted(unique)), key=lambda one: one.name):
        lines += [f"# HELP {name} {helps[name]}", f"# TYPE {name} gauge", *map(_line, group)]
    return "".join(f"{line}\n" for line in lines)


def _line(one: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in one.labels)
    return f"{one.name}{{{labels}}} {one.value:.15g}"


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def samples_in(text: str) -> Iterator[Sample]:
    """The samples that `exposition` wrote. Any other line is left out."""
    for line in text.split("\n"):
        if found := _SAMPLE.fullmatch(line):
            labels = ((name, re.sub(r"\\(.)", r"\1", value)) for name, value in _LABEL.findall(found["labels"]))
            try:
                yield Sample(found["name"], tuple(labels), float(found["value"]))
            except ValueError:  # 1.2.3
                continue

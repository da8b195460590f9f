"""Metrics in Prometheus's text format, as node_exporter's textfile collector reads it from files.

We use no library for it: the format has a line for each value, and escapes three characters.
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
    """One value of a metric. It is not negative."""

    name: str
    labels: Labels
    value: float


def sample(name: str, labels: Mapping[str, str], value: float) -> Sample:
    """Make a sample. Control characters in labels become escapes such as `\\x1b`."""
    return Sample(name, tuple((label, escape_control(text)) for label, text in labels.items()), value)


def exposition(samples: Iterable[Sample], helps: Mapping[str, str]) -> str:
    """Write these samples, all of them gauges, as text. helps: metric -> its description, in the order of the file.

    If two samples have the same name and labels, the last one counts: the collector refuses duplicates.
    """
    order = list(helps)
    unique = {(order.index(sample.name), sample.labels): sample for sample in samples}
    lines: list[str] = []
    for name, group in groupby((unique[key] for key in sorted(unique)), key=lambda sample: sample.name):
        lines += [f"# HELP {name} {helps[name]}", f"# TYPE {name} gauge", *map(_line, group)]
    return "".join(f"{line}\n" for line in lines)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escape(value)}"' for name, value in sample.labels)
    return f"{sample.name}{{{labels}}} {sample.value:.15g}"


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def samples_in(text: str) -> Iterator[Sample]:
    """Yield the samples that `exposition` wrote. Other lines are skipped."""
    for line in text.split("\n"):
        if found := _SAMPLE.fullmatch(line):
            labels = ((name, re.sub(r"\\(.)", r"\1", value)) for name, value in _LABEL.findall(found["labels"]))
            try:
                yield Sample(found["name"], tuple(labels), float(found["value"]))
            except ValueError:  # 1.2.3
                continue

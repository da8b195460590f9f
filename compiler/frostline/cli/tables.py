"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frostline.text import escape_control

_WIDEST = 80
"""Columns of a terminal that a column of a table has at most."""


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of texts, columns aligned by their width on a terminal, nothing cut. Wider cells move their row only."""
    from rich.cells import cell_len

    shown = [[escape_control(cell) for cell in row] for row in (header, *rows)]
    sizes = [[cell_len(cell) for cell in row] for row in shown]
    # One name of a server's may have 64 KiB: every other row is not filled up to that.
    widths = [max(size[column] for size in sizes if size[column] <= _WIDEST) for column in range(len(header))]
    for row, size in zip(shown, sizes, strict=True):
        padded = [cell + " " * (width - own) for cell, own, width in zip(row, size, widths, strict=True)]
        yield "  ".join(padded).rstrip()

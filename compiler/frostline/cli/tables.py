"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frostline.text import escape_control

_WIDEST = 80
"""The most terminal columns that a column of a table is padded to."""


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table, with columns aligned by their width on a terminal. A wider cell is not cut: it moves its row."""
    from rich.cells import cell_len

    shown = [[escape_control(cell) for cell in row] for row in (header, *rows)]
    sizes = [[cell_len(cell) for cell in row] for row in shown]
    # A server may send a name of 64 KiB: the other rows are not padded to its width.
    widths = [max(size[column] for size in sizes if size[column] <= _WIDEST) for column in range(len(header))]
    for row, size in zip(shown, sizes, strict=True):
        padded = [cell + " " * (width - own) for cell, own, width in zip(row, size, widths, strict=True)]
        yield "  ".join(padded).rstrip()

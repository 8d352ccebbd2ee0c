"""A table in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def table_lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A line of heads, then the rows, columns aligned to the left and two spaces apart."""
    widths = [max(len(line[column]) for line in [heads, *rows]) for column in range(len(heads))]
    for line in [heads, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()

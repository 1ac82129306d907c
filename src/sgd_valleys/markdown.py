"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table.

    Args:
        columns: heads of the columns.
        rows: one text for each column; a vertical bar in a text is escaped.
    """
    lines = (columns, ["---"] * len(columns), *rows)
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]

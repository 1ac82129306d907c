"""Tables, lists and folded blocks in Markdown."""

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table.

    Args:
        columns: headers of the columns.
        rows: rows with one text per column. Vertical bars in a text are escaped.
    """
    lines = (columns, ["---"] * len(columns), *rows)
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


def bullets(texts: Iterable[str]) -> list[str]:
    """Return the lines of a bullet list of plain texts."""
    return [f"- {escape(text)}" for text in texts]


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Return the lines of a block that a reader unfolds."""
    return [f"<details markdown><summary>{escape(summary)}</summary>", "", *lines, "", "</details>"]


def escape(text: str) -> str:
    """Escape the characters of plain text that Markdown would read as an HTML tag, such as <t_freeze>."""
    return text.replace("<", "&lt;").replace(">", "&gt;")

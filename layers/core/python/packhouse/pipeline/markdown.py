"""The Markdown that cards are written in: tables, code spans, counts.

Syntax: CommonMark 0.31 (§6.1 code spans) and GitHub Flavored Markdown 0.29 (§4.10 tables).
"""

import re
from collections.abc import Sequence


def table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    r"""Return a table with a line of titles; every row has as many cells as there are titles.

    >>> print(table(("reason", "rows"), [("`a|b`", "2")]))
    | reason | rows |
    | --- | --- |
    | `a\|b` | 2 |
    """
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join("| " + " | ".join(line(cell).replace("|", "\\|") for cell in cells) + " |" for cells in lines)


def line(text: str) -> str:
    r"""Return a text in one line: every run of whitespace is one space.

    >>> line(" a\n  b\u2028c ")
    'a b c'
    """
    return " ".join(text.split())


def span(text: str) -> str:
    """Return a code span that shows any text, backticks too, in one line.

    >>> span("ball"), span("a`b"), span("`")
    ('`ball`', '``a`b``', '`` ` ``')
    """
    shown = line(text) or " "
    fence = "`"
    while fence in re.findall("`+", shown):
        fence += "`"
    room = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{room}{shown}{room}{fence}"


def counted(number: int, noun: str) -> str:
    """Return a number and what it counts.

    >>> counted(1, "row"), counted(0, "row")
    ('1 row', '0 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""Parts of pages that programs write: tables, and what stands between the two marks of a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any


def filled(page: str, name: str, body: str) -> str:
    """A page with ``body`` between ``<!-- NAME: ... -->`` and ``<!-- end of NAME -->``; ValueError without them."""
    marks = rf"(<!-- {re.escape(name)}: .*?-->).*?(<!-- end of {re.escape(name)} -->)"
    made, count = re.subn(marks, lambda found: found[1] + body + found[2], page, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"the page has no marks for {name}")
    return made


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; floats with four digits."""
    lines = [head, ["---"] * len(head), *([number(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: Any) -> str:
    """A value as a page shows it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

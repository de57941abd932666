"""Parts of pages that programs write: what stands between ``<!-- NAME: ... -->`` and ``<!-- end of NAME -->``."""

from __future__ import annotations

import re


def filled(page: str, name: str, body: str) -> str:
    """The text of a page with ``body`` between the two marks of ``name``; ValueError where they are missing."""
    marks = rf"(<!-- {re.escape(name)}: .*?-->).*?(<!-- end of {re.escape(name)} -->)"
    made, count = re.subn(marks, lambda found: found[1] + body + found[2], page, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"the page has no marks for {name}")
    return made

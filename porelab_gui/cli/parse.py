"""Argument parsing that reports wrong usage in one line, and values read from words."""

from __future__ import annotations

import argparse
import json
from typing import Any, NoReturn

from porelab_gui.core.errors import ParameterError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises ParameterError instead of printing and leaving."""

    def __init__(self, prog: str, description: str | None = None) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Wrong usage as a sentence."""
        raise ParameterError(message, where=self.prog, remedy=f"See {self.prog} --help.")


def value(word: str) -> Any:
    """A word as JSON where it is JSON, as a list where it has commas, else as itself."""
    try:
        return json.loads(word)
    except json.JSONDecodeError:
        return [value(w.strip()) for w in word.split(",")] if "," in word else word


def pair(word: str, what: str) -> tuple[str, str]:
    """``NAME=VALUE`` split in two."""
    name, equals, rest = word.partition("=")
    if not equals or not name or not rest:
        raise ParameterError(f"{word!r} is not {what}")
    return name, rest

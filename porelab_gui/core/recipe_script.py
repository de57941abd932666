"""A recipe as a Python script that runs and says where a result is not the recorded one."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from porelab_gui.core.recipe import Recipe, RecipeStep

HEAD = '''"""The steps of a PoreLab session. Recorded with {versions}."""

import porelab_gui


def check(name, noun, recorded):
    """Say where a result is not the recorded one."""
    same = noun.content_hash == recorded
    print(f"{{name}}: {{'as recorded' if same else 'differs from the recorded result'}}")


def main():
    """Run every step; gives the data by name."""
'''
TAIL = """    return {{{items}}}


if __name__ == "__main__":
    main()
"""


def script_of(recipe: Recipe) -> str:
    """The steps on the public interface, with versions and content hashes."""
    names = _identifiers(n for s in recipe.steps for n in (*s.inputs.values(), *s.outputs.values()))
    versions = ", ".join(f"{k} {v}" for k, v in recipe.versions.items()) or "unknown versions"
    last: dict[str, str] = {}
    lines = []
    for step in recipe.steps:
        lines.append(f"    made = porelab_gui.run({_arguments(step, names)})")
        for port, name in step.outputs.items():
            lines.append(f"    {names[name]} = made[{port!r}].renamed({name!r})")
            last[name] = names[name]
            if port in step.hashes:
                lines.append(f"    check({f'{step.id}: {name}'!r}, {names[name]}, {step.hashes[port]!r})")
    items = ", ".join(f"{name!r}: {identifier}" for name, identifier in last.items())
    return HEAD.format(versions=versions) + "\n".join([*lines, TAIL.format(items=items)])


def _arguments(step: RecipeStep, names: Mapping[str, str]) -> str:
    ports = [f"{port!r}: {names[name]}" for port, name in step.inputs.items()]
    params = [f"{key}={value!r}" for key, value in step.params.items()]
    bound = [f"inputs={{{', '.join(ports)}}}"] if ports else []
    return ", ".join([repr(step.method), *bound, *params])


def _identifiers(names: Iterable[str]) -> dict[str, str]:
    """A Python name for each item, no two alike."""
    made: dict[str, str] = {}
    for name in dict.fromkeys(names):
        cleaned = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
        taken = {*made.values(), "made", "main", "check", "porelab_gui"}
        if not cleaned[:1].isalpha() or keyword.iskeyword(cleaned):
            cleaned = f"item_{cleaned}"
        number, candidate = 2, cleaned
        while candidate in taken:
            candidate, number = f"{cleaned}_{number}", number + 1
        made[name] = candidate
    return made

"""``porelab methods``: every Method with its parameters, inputs, outputs, citation."""

from __future__ import annotations

import json
from typing import Any

from porelab_gui.cli.envelope import plain
from porelab_gui.cli.parse import Parser
from porelab_gui.core.method import Method
from porelab_gui.core.registry import methods


def main(words: list[str]) -> int:
    """List them, as lines or as JSON."""
    parser = Parser(prog="porelab methods", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON with the schema of every parameter")
    given = parser.parse_args(words)
    if given.json:
        print(json.dumps([described(m) for m in methods().values()], indent=2, default=plain))
        return 0
    for method in methods().values():
        ports = ", ".join(f"{k}: {p.noun.__name__}" for k, p in method.inputs.items()) or "-"
        made = ", ".join(f"{k}: {n.__name__}" for k, n in method.outputs.items())
        print(f"{method.name:<22} {method.step:<12} {ports} -> {made}\n{'':<22} {method.summary.splitlines()[0]}")
    return 0


def described(method: Method) -> dict[str, Any]:
    """All that is known of a Method, as plain data."""
    return {
        "name": method.name,
        "title": method.title,
        "summary": method.summary,
        "step": method.step,
        "lane": method.lane,
        "version": method.version,
        "citation": method.citation,
        "params": method.params.model_json_schema(),
        "inputs": {
            k: {"noun": p.noun.__name__, "optional": p.optional, "help": p.help} for k, p in method.inputs.items()
        },
        "outputs": {k: n.__name__ for k, n in method.outputs.items()},
    }

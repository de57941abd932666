"""``porelab bench NAME``: a speed claim against its peer, both in one run, from the benchmarks of the checkout."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import porelab_gui
from porelab_gui.cli.display import virtual_display
from porelab_gui.cli.envelope import envelope, show_figures, write_json
from porelab_gui.cli.parse import Parser
from porelab_gui.core.errors import ParameterError, PorelabError

FOLDER = Path(porelab_gui.__file__).parents[1] / "benchmarks"


def main(words: list[str]) -> int:
    """Run one benchmark and print its figures."""
    parser = Parser(prog="porelab bench", description=__doc__)
    parser.add_argument("name", help=f"one of {', '.join(names()) or 'none: run it from a checkout'}")
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args(words)
    module = load(given.name)
    with virtual_display(last=True):
        content = envelope(given.name, module.run())
    if given.json:
        write_json(Path(given.json), content)
    show_figures(content)
    return 0


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_"))


def load(name: str) -> Any:
    """The module of a benchmark, from the checkout."""
    if not FOLDER.is_dir():
        raise PorelabError(
            "benchmarks are part of the source checkout", remedy="Run it from a clone of the repository."
        )
    path = FOLDER / f"{name}.py"
    if name not in names():
        raise ParameterError(f"there is no benchmark {name!r}", remedy=f"There are {', '.join(names())}.")
    spec = importlib.util.spec_from_file_location(f"porelab_bench_{name}", path)
    if spec is None or spec.loader is None:
        raise PorelabError("the benchmark cannot be loaded", where=path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""``porelab score SYSTEM``: shipped weights of a system on its hold-out, beside its baselines."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from porelab_gui.cli.envelope import envelope, show_figures, write_json
from porelab_gui.cli.parse import Parser
from porelab_gui.core.errors import ParameterError

GROUP = "porelab.scores"


def main(words: list[str]) -> int:
    """Run the score of one system."""
    known = {p.name: p for p in entry_points(group=GROUP)}
    parser = Parser(prog="porelab score", description=__doc__)
    parser.add_argument("system", help=f"one of {', '.join(sorted(known)) or 'none installed'}")
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args(words)
    if given.system not in known:
        remedy = f"There are {', '.join(sorted(known)) or 'none yet'}."
        raise ParameterError(f"no system {given.system!r} has a score", remedy=remedy)
    content = envelope(given.system, known[given.system].load()())
    if given.json:
        write_json(Path(given.json), content)
    show_figures(content)
    return 0

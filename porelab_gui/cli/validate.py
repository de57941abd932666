"""``porelab validate``: closed forms and reference values, with error and tolerance per case."""

from __future__ import annotations

from pathlib import Path

from porelab_gui.cli.envelope import envelope, show_figures, write_json
from porelab_gui.cli.parse import Parser
from porelab_gui.cli.terminal import Bar


def main(words: list[str]) -> int:
    """Run the cases; 1 when one of them is out of its tolerance."""
    from porelab_gui.core.validation.run import run_cases

    parser = Parser(prog="porelab validate", description=__doc__)
    parser.add_argument("names", nargs="*", help="groups or cases (default: all)")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="write a page and a plot of error over tolerance")
    given = parser.parse_args(words)
    with Bar("validate") as bar:
        body = run_cases(given.names, bar)
    content = envelope("validate", body)
    if given.json:
        write_json(Path(given.json), content)
    if given.folder:
        from porelab_gui.core.validation.report import write

        write(body, given.folder)
    for row in content["rows"]:
        print("  ".join(f"{k}={v:.6g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))
    show_figures(content)
    return 1 if content["figures"].get("failed") else 0

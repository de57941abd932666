"""The command line: the window, every Method, recipes, the demo, benchmarks, validation, scores."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from porelab_gui.core.errors import ParameterError, PorelabError

COMMANDS = {
    "demo": "the main job on a sample, start to finish, with screenshots",
    "methods": "every Method with its parameters, inputs, outputs, citation",
    "run": "replay a recipe without a screen",
    "report": "a project as an HTML page, a PDF and BibTeX",
    "bench": "measure a speed claim against its peer, both in one run",
    "validate": "closed forms and reference values, with error and tolerance per case",
    "score": "shipped weights of a system on its hold-out, beside its baselines",
}
USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 failed with one line on stderr, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [w for w in words if w != "--debug"]
    try:
        return _choose(words)(words)
    except ParameterError as error:
        return _fail(error, debug, USAGE_ERROR)
    except PorelabError as error:
        return _fail(error, debug, 1)
    except KeyboardInterrupt:
        return _fail("cancelled", debug, 1)
    except BrokenPipeError:
        return 0
    except Exception as error:
        return _fail(f"{type(error).__name__}: {error} (--debug shows where)", debug, 1)


def _fail(error: object, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    print(f"porelab: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def _choose(words: list[str]) -> Callable[[list[str]], int]:
    """The command that the first word names: a built-in, a Method, or files for the window."""
    first = words[0] if words else ""
    if first in ("-h", "--help", "help"):
        return _help
    if first == "--version":
        return _version
    if first in COMMANDS:
        module = import_module(f"porelab_gui.cli.{first}")
        return lambda rest: int(module.main(rest[1:]))
    if not words or Path(first).exists():
        return _window
    from porelab_gui.core.registry import get

    get(first)
    from porelab_gui.cli.method import main as run_method

    return run_method


def _window(files: list[str]) -> int:
    from porelab_gui.gui.app import run

    return int(run(files))


def _version(_: list[str]) -> int:
    from porelab_gui import __version__

    print(f"porelab {__version__}")
    return 0


def _help(_: list[str]) -> int:
    from porelab_gui.core.registry import methods

    print("porelab [FILE ...]             open the window\n")
    for name, text in COMMANDS.items():
        print(f"porelab {name:<22} {text}")
    print("\nporelab METHOD [--in NAME=PATH ...] [--PARAM VALUE ...] [--out PATH]   one Method on files:")
    for method in methods().values():
        print(f"  {method.name:<22} {method.summary.splitlines()[0]}")
    print("\nporelab METHOD --help shows its parameters; --debug adds the traceback to an error.")
    return 0

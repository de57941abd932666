"""``porelab METHOD``: one Method on files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from porelab_gui.cli.parse import Parser, pair, value
from porelab_gui.cli.results import describe, write_outputs
from porelab_gui.cli.terminal import Bar
from porelab_gui.core.errors import ParameterError
from porelab_gui.core.inputs import read_as
from porelab_gui.core.method import Method
from porelab_gui.core.registry import get


def main(words: list[str]) -> int:
    """Read the inputs, run, write or describe the outputs."""
    method = get(words[0])
    given = vars(_parser(method).parse_args(words[1:]))
    fields = method.params.model_fields
    params = {k: _typed(fields[k], v) for k, v in given.items() if k in fields and v is not None}
    checked = method.validate(params)
    inputs = _inputs(method, given["in_"] or [], given["voxel_size_of_inputs"])
    with Bar(method.title) as bar:
        outputs = method(inputs, checked, bar)
    if given["out_"]:
        for path in write_outputs(outputs, Path(given["out_"])):
            print(path)
        return 0
    for name, noun in outputs.items():
        print(describe(name, noun))
    return 0


def _parser(method: Method) -> Parser:
    parser = Parser(prog=f"porelab {method.name}", description=f"{method.summary} {method.citation}".replace("%", "%%"))
    ports = "; ".join(f"{k}: {p.noun.__name__}{' (optional)' if p.optional else ''}" for k, p in method.inputs.items())
    parser.add_argument("--in", dest="in_", action="append", metavar="NAME=PATH", help=f"inputs: {ports or 'none'}")
    parser.add_argument("--out", dest="out_", metavar="PATH", help="a file for one output, a folder for several")
    taken = "voxel_size" in method.params.model_fields
    parser.add_argument(
        "--in-voxel-size" if taken else "--voxel-size",
        dest="voxel_size_of_inputs",
        metavar="METRES",
        help="voxel edge of the images read with --in: one number or z,y,x, in metres",
    )
    for key, info in method.params.model_fields.items():
        options = dict.fromkeys([f"--{key.replace('_', '-')}", f"--{key}"])
        parser.add_argument(*options, dest=key, metavar="VALUE", help=_help(info))
    return parser


def _help(info: FieldInfo) -> str:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    unit = f" [{extra['unit']}]" if extra.get("unit") else ""
    limits = ", ".join(str(m) for m in info.metadata)
    text = f"{info.description}{unit} (default {info.default}{'; ' + limits if limits else ''})"
    return text.replace("%", "%%")


def _typed(info: FieldInfo, word: str) -> Any:
    """Text stays text where the field is text, a single word becomes a list where it is a list."""
    many = getattr(info.annotation, "__origin__", None) in (list, tuple)
    if info.annotation is str or (not many and str in get_args(info.annotation)):
        return word
    found = value(word)
    return [found] if many and not isinstance(found, list) else found


def _inputs(method: Method, words: list[str], voxel_size: str | None) -> dict[str, Any]:
    size = None if voxel_size is None else value(voxel_size)
    inputs: dict[str, Any] = {}
    for word in words:
        name, path = pair(word, "NAME=PATH") if "=" in word else (next(iter(method.inputs), ""), word)
        if name not in method.inputs:
            known = ", ".join(method.inputs) or "none"
            raise ParameterError(f"{method.name} has no input {name!r}", remedy=f"Its inputs: {known}.")
        inputs[name] = read_as(method.inputs[name].noun, Path(path), size)
    return inputs

"""The one idea: everything PoreLab does is a Method, and form, job, recipe step, command follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.nouns import Noun, Stack
from porelab_gui.core.progress import Progress, silent

Lane = Literal["quick", "process", "gpu", "disk"]
Step = Literal[
    "Load", "Segment", "Network", "Conductance", "Transport", "Learn", "Generate", "Super-resolve", "Ions", "Export"
]
Inputs = Mapping[str, Any]
Outputs = Mapping[str, Noun]


class Params(BaseModel):
    """Base of every parameter class. Declare fields with ``param`` only; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)


def param(
    default: Any,
    help: str,
    *,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    lt: float | None = None,
    title: str | None = None,
    advanced: bool = False,
    **hints: Any,
) -> Any:
    """One parameter: default, help text, unit and range, said once for form, command, recipe and docs.

    ``unit`` is the unit the value is stored in ("m", "voxel", "Pa s", "1" for a pure number); ``hints`` are for
    the form, for example ``step=0.1``, ``decimals=3``, ``display="um"`` (show metres in micrometres),
    ``widget="file"``, ``choices_from="throat"`` (choose among the columns of the network).
    """
    extra = {"unit": unit, "advanced": advanced, **hints}
    return Field(default, description=help, ge=ge, le=le, gt=gt, lt=lt, title=title, json_schema_extra=extra)


@dataclass(frozen=True)
class Port:
    """An input of a Method: the noun it takes, what it is for, whether it may be left out."""

    noun: type[Noun]
    help: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Estimate:
    """Predicted peak memory in bytes."""

    ram: int
    gpu: int = 0


@dataclass(frozen=True)
class View:
    """What is looked at: slice ``z`` and the voxels of it that are in view."""

    z: int
    rows: slice
    cols: slice


@dataclass(frozen=True)
class Preview:
    """What a Method would give on a slice: an image one slice deep.

    ``corner`` is where its first voxel begins along y and x, in metres from the centre of the image's first voxel;
    ``note`` says how the preview may differ from the run.
    """

    image: Stack
    corner: tuple[float, float]
    note: str = ""


@dataclass(frozen=True)
class Method:
    """A title, a citation, parameters, nouns in and out, and one pure function ``run(inputs, params, progress)``.

    ``lane`` says where it runs: "quick" (well under 0.1 s), "process" (a child process that can be killed;
    anything that holds the interpreter lock), "gpu" (the one background thread that owns the device; torch),
    "disk" (a background thread that reads and writes projects).
    ``preview(inputs, params, view, progress)``, where there is one, shows the outcome on a slice while parameters move.
    """

    name: str
    title: str
    summary: str
    step: Step
    citation: str
    params: type[Params]
    inputs: Mapping[str, Port]
    outputs: Mapping[str, type[Noun]]
    function: Callable[[Inputs, Any, Progress], Outputs]
    lane: Lane = "process"
    version: str = "1"
    estimate: Callable[[Inputs, Any], Estimate] | None = field(default=None)
    preview: Callable[[Inputs, Any, View, Progress], Preview] | None = field(default=None)

    def __post_init__(self) -> None:
        for key, info in self.params.model_fields.items():
            _check_field(f"{self.name}.{key}", info)

    def validate(self, values: Mapping[str, Any]) -> Params:
        """Parameters from plain values; ParameterError naming the field and its range."""
        try:
            return self.params.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join([self.name, *(str(p) for p in first["loc"])])
            known = ", ".join(self.params.model_fields)
            remedy = f"Known parameters: {known}." if first["type"] == "extra_forbidden" else "Choose a value in range."
            raise ParameterError(first["msg"], where=where, remedy=remedy) from error

    def __call__(self, inputs: Inputs, params: Params | Mapping[str, Any], progress: Progress = silent) -> Outputs:
        """Check the inputs and run."""
        checked = params if isinstance(params, self.params) else self.validate(params)  # type: ignore[arg-type]
        for key, port in self.inputs.items():
            self._check_input(key, port, inputs.get(key))
        return self.function(inputs, checked, progress)

    def _check_input(self, key: str, port: Port, value: Any) -> None:
        if value is None and port.optional:
            return
        if not isinstance(value, port.noun):
            got = "nothing" if value is None else f"a {type(value).__name__}"
            raise ParameterError(
                f"{self.title} needs a {port.noun.__name__} as {key}, and got {got}",
                where=self.name,
                remedy=port.help or "Run the step before it first.",
            )


def _check_field(where: str, info: FieldInfo) -> None:
    """Every parameter says what it means; every number has a unit and a range."""
    extra = info.json_schema_extra
    if not info.description or not isinstance(extra, dict):
        raise TypeError(f"{where}: declare it with param(default, help, ...)")
    if info.annotation in (int, float) and (not extra.get("unit") or not info.metadata):
        raise TypeError(f'{where}: a number needs a unit ("1" for a pure number) and a range')

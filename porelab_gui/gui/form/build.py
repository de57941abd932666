"""From a parameter's declaration to its editor: the only place that knows which type gets which widget."""

from __future__ import annotations

import types
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from porelab_gui.core.nouns import AXES
from porelab_gui.gui.form.editors import (
    BoolEditor,
    ChecksEditor,
    ChoiceEditor,
    ColumnEditor,
    Editor,
    FileEditor,
    JsonEditor,
    ListEditor,
    NumberEditor,
    NumbersEditor,
    OptionalEditor,
    TextEditor,
)
from porelab_gui.gui.form.number import NumberBox, Range
from porelab_gui.gui.quantities import from_text, scale, shown_unit, to_text


@dataclass(frozen=True)
class Look:
    """What a declaration says about showing it."""

    hints: dict[str, Any]
    limits: Range
    factor: Decimal
    unit: str

    @staticmethod
    def of(info: FieldInfo) -> Look:
        """Hints, range and unit of a field."""
        hints: dict[str, Any] = dict(info.json_schema_extra) if isinstance(info.json_schema_extra, dict) else {}
        unit, display = str(hints.get("unit", "")), hints.get("display")
        limits = Range.of(info.metadata)
        each = {k: hints[f"{k}_each"] for k in ("ge", "le", "gt", "lt") if f"{k}_each" in hints}
        return Look(hints, Range(**each) if each else limits, scale(unit, display), shown_unit(unit, display))


def label_of(name: str, info: FieldInfo) -> str:
    """The words beside a field."""
    return info.title or name.replace("_", " ").strip().capitalize()


def tooltip_of(info: FieldInfo) -> str:
    """Help, range and default in one text."""
    look = Look.of(info)
    allowed = look.limits.words(look.factor, look.unit)
    return (info.description or "") + (f"\nRange: {allowed}." if allowed else "")


def is_advanced(info: FieldInfo) -> bool:
    """Whether the field belongs in the folded section."""
    return bool(Look.of(info).hints.get("advanced"))


def make_editor(info: FieldInfo) -> Editor:
    """The editor of a field, showing its default."""
    look = Look.of(info)
    default = info.get_default(call_default_factory=True)
    editor = _editor(info.annotation, look, default)
    if default is not None or isinstance(editor, OptionalEditor):
        editor.set_value(default)
    return editor


def _editor(kind: Any, look: Look, default: Any) -> Editor:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = [a for a in args if a is not type(None)]
        if len(inner) == 1 and len(args) == 2:
            return OptionalEditor(_editor(inner[0], look, None), look.hints.get("start"))
        return JsonEditor()
    if origin is Literal:
        return ChoiceEditor(args)
    if origin in (tuple, list, set, frozenset):
        return _sequence(origin, args, look)
    return _plain(kind, look)


def _plain(kind: Any, look: Look) -> Editor:
    if kind is bool:
        return BoolEditor()
    if kind in (int, float):
        return NumberEditor(_box(kind, look), look.unit)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ChoiceEditor(tuple(kind))
    if look.hints.get("widget") in ("file", "folder", "save") or kind is Path:
        return FileEditor(str(look.hints.get("widget", "file")))
    if "choices_from" in look.hints:
        return ColumnEditor(str(look.hints["choices_from"]))
    if kind is str:
        return TextEditor()
    return JsonEditor()


def _sequence(origin: Any, args: tuple[Any, ...], look: Look) -> Editor:
    open_ended = origin is not tuple or args[-1:] == (Ellipsis,)
    inner = args[0] if args else str
    if not open_ended and all(a in (int, float) for a in args):
        names = AXES if len(args) == 3 else ()
        return NumbersEditor([_box(a, look) for a in args], look.unit, names)
    if get_origin(inner) is Literal:
        return ChecksEditor(get_args(inner))
    if inner is int:
        return ListEditor(_whole, unit=look.unit)
    if inner is float:
        return ListEditor(lambda t: from_text(t, look.factor), lambda v: to_text(v, look.factor), look.unit)
    return ListEditor(str) if inner is str else JsonEditor()


def _box(kind: type, look: Look) -> NumberBox:
    return NumberBox(look.limits, integer=kind is int, factor=look.factor, unit=look.unit, step=look.hints.get("step"))


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None

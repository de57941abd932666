"""The form of a Method that has one field of every kind."""

from __future__ import annotations

from enum import Enum
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from porelab_gui.core import registry
from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Estimate, Method, Params, Port, param
from porelab_gui.core.nouns import Column, Network, Stack, Table
from porelab_gui.gui.form import editors
from porelab_gui.gui.forms import MethodForm
from porelab_gui.session.jobs import State
from porelab_gui.session.session import Session

pytestmark = pytest.mark.gui


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Params):
    """One of each."""

    count: int = param(3, "How many.", unit="1", ge=1, le=20)
    length: float = param(5e-6, "How long.", unit="m", display="um", gt=0, le=1e-3)
    flag: bool = param(False, "Whether.")
    mode: Literal["fast", "very_slow"] = param("fast", "How.")
    colour: Colour = param(Colour.RED, "Which colour.")
    axes: tuple[Literal["z", "y", "x"], ...] = param(("z",), "Which axes.")
    window: tuple[float, float, float] = param((1.0, 2.0, 3.0), "Three numbers.", unit="voxel", ge_each=0.0)
    sizes: tuple[int, ...] = param((1, 2), "Any number of numbers.", unit="voxel")
    maybe: float | None = param(None, "Left to the program when off.", unit="Pa", ge=0, le=1e6)
    file: str = param("", "A file.", widget="file")
    law: str = param("", "A column.", choices_from="throat")
    word: str = param("hello", "A word.")
    table: dict[int, str] = param({}, "A mapping.", advanced=True)
    seed: int = param(0, "Seed.", unit="1", ge=0, le=100, advanced=True)


KINDS = {
    "count": editors.NumberEditor,
    "length": editors.NumberEditor,
    "flag": editors.BoolEditor,
    "mode": editors.ChoiceEditor,
    "colour": editors.ChoiceEditor,
    "axes": editors.ChecksEditor,
    "window": editors.NumbersEditor,
    "sizes": editors.ListEditor,
    "maybe": editors.OptionalEditor,
    "file": editors.FileEditor,
    "law": editors.ColumnEditor,
    "word": editors.TextEditor,
    "table": editors.JsonEditor,
    "seed": editors.NumberEditor,
}


def work(inputs, params, progress):
    if params.word == "fail":
        raise InputError("the word is wrong", remedy="Choose another word.")
    return {"table": Table({"count": Column(np.array([params.count]), "1")})}


def forecast(inputs, params):
    return Estimate(ram=params.count * 200_000_000)


METHOD = Method(
    "everything",
    "Do everything",
    "A Method for the test.",
    "Export",
    "Someone (1999)",
    Everything,
    {"image": Port(Stack, "Load an image first."), "network": Port(Network, "A network.", optional=True)},
    {"table": Table},
    work,
    lane="quick",
    estimate=forecast,
)


@pytest.fixture
def context(monkeypatch):
    known = {METHOD.name: METHOD}
    monkeypatch.setattr(registry, "methods", lambda: known)
    reported = []
    made = SimpleNamespace(session=Session(), reported=reported, report=lambda e, t="": reported.append(e))
    return made


@pytest.fixture
def form(qtbot, context):
    made = MethodForm(context, "everything")
    qtbot.addWidget(made)
    made.show()
    return made


def give_image(context):
    put = Method("made", "Made", "s", "Load", "", Params, {}, {"image": Stack}, lambda i, p, g: {}, "quick")
    context.session.put(put, {}, {}, {"image": Stack(np.zeros((2, 2, 2)), (1e-6,) * 3)})


def typed(editor, text):
    line = editor.box.lineEdit()
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_every_kind_of_field_has_its_editor(form, name, kind):
    assert isinstance(form.fields[name].editor, kind)


def test_the_form_starts_with_the_defaults(form):
    assert METHOD.validate(form.values()) == Everything()


def test_help_range_and_unit_are_the_declarations_own(form):
    field = form.fields["length"]
    assert "How long." in field.editor.toolTip()
    assert "above 0 and at most 1000 µm" in field.editor.toolTip()
    assert field.editor.box.text() == "5"


def test_a_length_typed_in_micrometres_is_stored_in_metres(form):
    typed(form.fields["length"].editor, "5.345")
    assert form.values()["length"] == 5.345e-06


def test_a_value_out_of_range_is_refused_in_place_and_not_changed(form, context):
    give_image(context)
    typed(form.fields["count"].editor, "21")
    assert form.fields["count"].problem.text() == "must be at least 1 and at most 20"
    assert form.fields["count"].problem.isVisible()
    assert form.fields["count"].editor.box.text() == "21"
    assert not form.button.isEnabled()
    typed(form.fields["count"].editor, "20")
    assert not form.fields["count"].problem.isVisible()
    assert form.button.isEnabled()


@pytest.mark.parametrize("text", ["", "abc", "2.5", "nan"])
def test_text_that_is_no_whole_number_is_refused(form, text):
    form.fields["count"].editor.box.lineEdit().setText(text)
    assert form.fields["count"].problem.text()
    assert form.run() is None


def test_a_bad_member_of_a_list_is_named(form):
    form.fields["sizes"].editor.line.setText("1, two")
    assert form.fields["sizes"].problem.text() == "'two' is not a whole number"


def test_an_optional_value_is_none_until_it_is_switched_on(form):
    editor = form.fields["maybe"].editor
    assert form.values()["maybe"] is None
    editor.box.click()
    typed(editor.inner, "12.5")
    assert form.values()["maybe"] == 12.5


def test_choices_and_checks(qtbot, form):
    form.fields["mode"].editor.combo.setCurrentIndex(1)
    assert form.fields["mode"].editor.combo.currentText() == "very slow"
    form.fields["axes"].editor.boxes["x"].click()
    values = form.values()
    assert values["mode"] == "very_slow"
    assert values["axes"] == ("z", "x")


def test_arrows_step_and_stop_at_the_range(form):
    box = form.fields["count"].editor.box
    box.lineEdit().setText("19")
    box.stepBy(1)
    box.stepBy(1)
    assert box.text() == "20"


def test_advanced_fields_are_folded_until_asked_for(qtbot, form):
    assert not form.fields["seed"].editor.isVisible()
    qtbot.mouseClick(form.more, Qt.MouseButton.LeftButton)
    assert form.fields["seed"].editor.isVisible()


def test_the_button_waits_for_the_input_and_says_what_to_do(form, context):
    assert not form.button.isEnabled()
    assert form.chooser.need.text() == "Load an image first."
    give_image(context)
    assert form.button.isEnabled()
    assert form.chooser.chosen() == {"image": "image"}


def test_a_click_runs_the_method_and_records_the_step(qtbot, form, context):
    give_image(context)
    typed(form.fields["count"].editor, "7")
    with qtbot.waitSignal(form.finished) as done:
        qtbot.mouseClick(form.button, Qt.MouseButton.LeftButton)
    assert done.args[0].state is State.DONE
    step = context.session.recipe.steps[-1]
    assert step.method == "everything"
    assert step.params["count"] == 7
    assert step.inputs == {"image": "image"}
    assert context.session.items["table"]["count"][0] == 7


def test_the_result_takes_another_name_when_one_is_given(qtbot, form, context):
    give_image(context)
    form.outputs["table"].setText("mine")
    form.run()
    assert "mine" in context.session.items


def test_columns_of_the_chosen_network_are_offered(form, context):
    network = Network(np.zeros((2, 3)), np.array([[0, 1]]), throats={"g_hydraulic.x": np.ones(1)})
    put = Method("made", "Made", "s", "Load", "", Params, {}, {"network": Network}, lambda i, p, g: {}, "quick")
    context.session.put(put, {}, {}, {"network": network})
    combo = form.fields["law"].editor.combo
    assert [combo.itemText(i) for i in range(combo.count())] == ["g_hydraulic.x"]


def test_memory_is_forecast_before_the_start(qtbot, form, context):
    give_image(context)
    typed(form.fields["count"].editor, "5")
    qtbot.waitUntil(lambda: "1 GB" in form.memory.text(), timeout=3000)


def test_the_citation_unfolds(qtbot, form):
    from qtpy.QtWidgets import QToolButton

    link = next(b for b in form.findChildren(QToolButton) if b.text() == "What is this?")
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    from qtpy.QtWidgets import QLabel

    assert any(label.text() == "Someone (1999)" and label.isVisible() for label in form.findChildren(QLabel))


def test_every_registered_method_has_a_working_form(qtbot):
    context = SimpleNamespace(session=Session(), report=lambda *a: None)
    for name, method in registry.methods().items():
        form = MethodForm(context, name)
        qtbot.addWidget(form)
        assert method.validate(form.values()), name

"""Values on a colour scale: units that read well, logs, differences, shares."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column
from porelab_gui.gui.network.colouring import Colouring, colourable, resolve
from porelab_gui.gui.numbers import pretty_unit, show

COLUMNS = {
    "d": Column(np.array([1e-6, 2e-6, 4e-6]), "m", "diameter"),
    "g.a": Column(np.array([1e-15, 1e-13, 0.0]), "m3/(Pa s)", "g by a"),
    "g.b": Column(np.array([2e-15, 0.5e-13, 0.0]), "m3/(Pa s)", "g by b"),
    "centre": Column(np.zeros((3, 3)), "m"),
    "kind": Column(np.array(["a", "b", "c"])),
}


def test_lengths_are_shown_in_micrometres():
    colours = resolve(Colouring("d"), COLUMNS)
    assert colours.values == pytest.approx([1, 2, 4])
    assert colours.limits == pytest.approx((1, 4))
    assert colours.title == "diameter [µm]"


def test_a_log_scale_leaves_out_what_has_no_logarithm():
    colours = resolve(Colouring("g.a", log=True), COLUMNS)
    assert colours.values[1] - colours.values[0] == pytest.approx(2)
    assert np.isnan(colours.values[2]) and not colours.coloured[2]
    assert colours.title.startswith("log₁₀ g by a") and "m³/(Pa s)" in colours.title


def test_the_log_of_a_signed_flow_is_that_of_its_size():
    flow = {"flow.z": Column(np.array([-1e-12, 1e-13, 0.0]), "m3/s", "flow along z")}
    colours = resolve(Colouring("flow.z", log=True), flow)
    assert colours.values[0] - colours.values[1] == pytest.approx(1)
    assert colours.title.startswith("log₁₀ |flow along z|")


def test_a_difference_is_signed_and_its_scale_has_zero_in_the_middle():
    colours = resolve(Colouring("g.a", minus="g.b"), COLUMNS)
    assert np.sign(colours.values).tolist() == [-1, 1, 0]
    assert colours.limits[0] == -colours.limits[1]
    assert colours.cmap == "coolwarm"
    assert "g by a − g by b" in colours.title


def test_a_difference_of_unlike_units_is_refused():
    with pytest.raises(InputError, match="no difference"):
        resolve(Colouring("g.a", minus="d"), COLUMNS)


def test_a_missing_column_is_refused_with_a_remedy():
    with pytest.raises(InputError, match="Run the step"):
        resolve(Colouring("g.cnn"), COLUMNS)


def test_only_the_share_that_was_asked_for_is_coloured():
    values = Column(np.arange(100.0), "1")
    colours = resolve(Colouring("v", within=(90, 100)), {"v": values})
    assert colours.coloured.sum() == 10 and colours.coloured[-1]
    assert np.isnan(colours.values[:90]).all()


def test_limits_are_given_in_the_unit_of_the_column():
    assert resolve(Colouring("d", limits=(0.0, 5e-6)), COLUMNS).limits == pytest.approx((0, 5))
    low, high = resolve(Colouring("g.a", log=True, limits=(1e-16, 1e-12)), COLUMNS).limits
    assert high - low == pytest.approx(4)


def test_columns_of_words_and_vectors_are_not_offered():
    assert colourable(COLUMNS) == ["d", "g.a", "g.b"]


def test_numbers_for_people():
    assert show(5.345e-6, "m") == "5.345 µm"
    assert show(2.3e-12, "m2") == "2.3 µm²"
    assert show(4.5e-15, "m3/(Pa s)") == "4.5e-15 m³/(Pa s)"
    assert show(float("nan"), "m2") == "—"
    assert show(0.2, "1") == "0.2"
    assert pretty_unit("m2/s") == "m²/s"

from decimal import Decimal

import pytest

from porelab_gui.gui.quantities import bytes_text, from_text, scale, shown_unit, time_text, to_text


def test_metres_are_shown_in_micrometres_without_binary_dust():
    factor = scale("m", "um")
    assert to_text(5.345e-06, factor) == "5.345"
    assert from_text("5.345", factor) == 5.345e-06
    assert shown_unit("m", "um") == "µm"


@pytest.mark.parametrize("value", [5.345e-06, 1e-3, 0.1, 3.0, 1.23456789e-19, 2.5e11, 0.0, -4.2])
def test_what_is_shown_reads_back_the_same(value):
    for factor in (Decimal(1), scale("m", "um"), scale("1", "%")):
        assert from_text(to_text(value, factor), factor) == pytest.approx(value, rel=1e-11)


def test_a_comma_is_a_decimal_point_and_words_are_refused():
    assert from_text("1,5") == 1.5
    for text in ("five", "", "nan", "inf"):
        with pytest.raises(ValueError, match="not a"):
            from_text(text)


def test_a_pure_number_has_no_unit():
    assert shown_unit("1", None) == ""


def test_bytes_and_times_in_words():
    assert bytes_text(1_230_000_000) == "1.23 GB"
    assert time_text(0.4) == "under 1 s"
    assert time_text(75) == "75 s"
    assert time_text(125) == "2 min 05 s"
    assert time_text(7300) == "2 h 01 min"

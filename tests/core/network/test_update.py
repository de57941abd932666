"""A correction extracts only what it touches, and gives the network of the whole corrected image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Labels
from porelab_gui.core.registry import get

VOXEL = (2e-6,) * 3


def rock(shape=(80, 56, 56)):
    noise = gaussian_filter(np.random.default_rng(1).random(shape), 2)
    return np.uint8(noise > np.quantile(noise, 0.62))


@pytest.mark.parametrize("value", [0, 1])
def test_the_update_is_the_extraction_of_the_whole_corrected_image(value):
    image = rock()
    made = get("extract_network")({"labels": Labels(image, VOXEL)}, {})
    corrected = image.copy()
    corrected[4:9, 26:31, 26:31] = value
    inputs = {"labels": Labels(corrected, VOXEL), "network": made["network"], "regions": made["regions"]}
    found = get("update_network")(inputs, {"axes": ("y",)})
    again = get("extract_network")({"labels": inputs["labels"]}, {})
    whole = again["network"]
    part = found["network"]
    assert (part.n_pores, part.n_throats) == (whole.n_pores, whole.n_throats)
    for key in ("volume", "inscribed_diameter", "peak_z", "surface_area", "extended_diameter"):
        assert np.allclose(np.sort(part.pore(key)), np.sort(whole.pore(key)), rtol=1e-9), key
    for key in ("inscribed_diameter", "total_length", "centre_x", "direct_length", "perimeter"):
        assert np.allclose(np.sort(part.throat(key)), np.sort(whole.throat(key)), rtol=1e-9), key
    laws = get("conductance_analytic")({"network": whole}, {})
    table = get("solve_flow")(laws, {"axes": ("y",)})["table"]
    assert found["effect"]["K_m2_after"][0] == pytest.approx(table["K_m2"][0], rel=1e-9)
    touched = found["touched_throats"]
    assert 0 < len(touched) < 0.5 * part.n_throats and set(touched["what"]) <= {"new", "gone", "changed"}
    box = found["effect"].notes[0].split("of ")[1].split(" voxels")[0].split(" x ")
    assert int(box[0]) < 80, "not the whole image"
    labels = np.asarray(found["regions"].data)
    assert np.array_equal(labels > 0, np.asarray(again["regions"].data) > 0)
    sizes = np.bincount(labels.ravel(), minlength=int(part.pore("region").max()) + 1)
    real = ~part.pore("boundary")
    assert np.allclose(sizes[part.pore("region")[real]] * 8e-18, part.pore("volume")[real])


def test_nothing_changed_and_another_image():
    image = rock((30, 30, 30))
    made = get("extract_network")({"labels": Labels(image, VOXEL)}, {})
    inputs = {"labels": Labels(image, VOXEL), "network": made["network"], "regions": made["regions"]}
    found = get("update_network")(inputs, {"axes": ("z",)})
    assert len(found["touched_throats"]) == 0 and found["effect"]["K_m2_change"][0] == pytest.approx(0, abs=1e-9)
    with pytest.raises(InputError, match="voxels, the regions"):
        get("update_network")({**inputs, "labels": Labels(image[:20], VOXEL)}, {})

"""``train_conduit_cnn`` and its data: media, split, a short training, the reference net's input."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.conduit_cnn import media
from porelab_methods.conduit_cnn.dataset import sample
from porelab_methods.conduit_cnn.features import Geometry
from porelab_methods.conduit_cnn.media import Medium
from porelab_methods.conduit_cnn.reference import Cubes, label_cube

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.weights import read_config
from porelab_gui.core.registry import get
from porelab_gui.core.transport.conduit.dns import Conduits


@pytest.mark.parametrize(
    "medium",
    [
        Medium("spheres", 1, 48, 0.5, 6.0, 2.0),
        Medium("blobs", 1, 48, 0.4, 6.0),
        Medium("fibres", 1, 48, 0.7, 3.0),
    ],
    ids=lambda m: m.kind,
)
def test_a_medium_has_its_porosity_and_is_the_same_again(medium):
    void = medium.image()
    assert void.mean() == pytest.approx(medium.porosity, abs=0.06)
    assert np.array_equal(void, medium.image())


def test_no_parent_image_is_in_training_and_stopping_set():
    seen, held = media.training_media(), media.validation_media()
    assert not {str(m.describe()) for m in seen} & {str(m.describe()) for m in held}
    crops = [m for m in (*seen, *held) if m.rock == "sandstone300"]
    for k, a in enumerate(crops):
        for b in crops[k + 1 :]:
            assert any(abs(p - q) >= a.size for p, q in zip(a.corner, b.corner, strict=True))


def test_a_rock_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="PORELAB_DATA"):
        Medium("rock", size=20, rock="leopard").image(tmp_path)


def test_simulated_conduits_are_kept_and_read_back(tmp_path):
    medium = Medium("blobs", 5, 28, 0.5, 6.0, pads=3)
    first = sample(medium, tmp_path, None, 1e5)
    (path,) = tmp_path.glob("*.npz")
    stamp = path.stat().st_mtime_ns
    again = sample(medium, tmp_path, None, 1e5)
    assert path.stat().st_mtime_ns == stamp
    assert np.array_equal(first.diffusive, again.diffusive, equal_nan=True)
    assert np.isfinite(first.hydraulic).any()
    assert again.conduits.virtual.any()
    assert np.isfinite(first.thinned(3, 0).diffusive).sum() == 3


def test_training_on_a_simulated_network_gives_weights_that_predict(pack, tmp_path):
    regions, network = pack
    nouns = {"regions": regions, "network": network}
    small = {"epochs": 2, "width": 4, "folder": str(tmp_path / "net"), "physics": "both", "threads": 1}
    made = get("train_conduit_cnn")(nouns, small)
    table, weights = made["table"], made["weights"]
    assert list(table["physics"]) == ["diffusive", "hydraulic"]
    assert table["r2"][0] > 0.8  # the coarse solve alone is better than that
    assert "by direct simulation" in (weights.folder / "card.md").read_text()
    config = read_config(weights)
    assert config["networks"]["diffusive"]["longest"] <= 44
    found = get("conductance_cnn")({**nouns, "weights": weights}, {"physics": "both"})["network"]
    truth = network.throat("g_diffusive.dns")
    error = np.abs(np.log(found.throat("g_diffusive.cnn") / truth))
    assert np.median(error) < 0.15
    again = get("train_conduit_cnn")({**nouns, "weights": weights}, {**small, "folder": str(tmp_path / "more")})
    assert again["table"]["r2"][0] > 0.8


def test_training_needs_regions_and_network_together_and_simulations(pack, tmp_path):
    regions, network = pack
    train = get("train_conduit_cnn")
    with pytest.raises(InputError, match="belong together"):
        train({"regions": regions}, {"folder": str(tmp_path)})
    bare = type(network)(network.coords, network.conns, pores=network.pores)
    with pytest.raises(InputError, match="conductance_dns"):
        train({"regions": regions, "network": bare}, {"folder": str(tmp_path)})


def test_foreign_weights_are_no_start(pack, weights, tmp_path):
    regions, network = pack
    nouns = {"regions": regions, "network": network, "weights": weights(config={"convention": "other"})}
    with pytest.raises(FormatError, match="Train from the start"):
        get("train_conduit_cnn")(nouns, {"folder": str(tmp_path / "x")})


def test_the_reference_sees_the_pair_as_scipy_would_zoom_it(pack):
    from scipy.ndimage import zoom

    regions, network = pack
    conduits = Conduits.of(regions, network, 1)
    pair = conduits.labels[network.conns[:1]]
    geometry = Geometry.of(conduits, pair, False)
    low, high = geometry.low[0], geometry.high[0]
    cube = label_cube(conduits.image, low, high, pair[0, 0], pair[0, 1], 64)
    box = regions.array()[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    labels = np.where(box == pair[0, 0], 1, np.where(box == pair[0, 1], 2, 0)).astype(np.uint8)
    longest = max(labels.shape)
    around = [((longest - n) // 2, longest - n - (longest - n) // 2) for n in labels.shape]
    expected = zoom(np.pad(labels, around), 64 / longest, order=0)
    assert cube.shape == expected.shape
    assert (cube == expected).mean() > 0.97
    assert Cubes(conduits, pair).zoom()[0] == pytest.approx(64 / longest)

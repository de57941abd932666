"""Block by block gives the network of the whole image, from lazy data, here and on the workers of Dask."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.network.extract import EXTRACT_NETWORK
from porelab_gui.core.network.snow.block_tasks import flood_core, view
from porelab_gui.core.network.snow.blocks import Job, cores, framed, run_blocks
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Cancelled, silent

SHAPE = (110, 52, 96)


def grains(shape=SHAPE, count=230, seed=4) -> np.ndarray:
    """The space between overlapping spheres of two sizes."""
    rng = np.random.default_rng(seed)
    image = np.ones(shape, dtype=np.uint8)
    for centre, radius in zip(rng.random((count, 3)) * shape, rng.choice([5, 8], count), strict=True):
        low = np.maximum(np.floor(centre - radius).astype(int), 0)
        high = np.minimum(np.ceil(centre + radius).astype(int) + 1, shape)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        z, y, x = np.ogrid[box]
        image[box] &= (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 > radius**2
    return image


def run(labels, **params):
    return EXTRACT_NETWORK({"labels": labels}, params)


def labels(data, **more) -> Labels:
    return Labels(data, (2e-6,) * 3, **more)


def same(one, two) -> None:
    assert np.array_equal(np.asarray(one["regions"].data), np.asarray(two["regions"].data))
    assert one["network"].content_hash == two["network"].content_hash


def test_blocks_give_the_network_of_the_whole(tmp_path):
    given = labels(grains())
    whole = run(given)
    blocks = run(given, block_size=40, scratch=str(tmp_path))
    same(whole, blocks)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["regions.npy"]


def test_several_phases_block_by_block(tmp_path):
    data = np.where(grains() > 0, 1 + (np.indices(SHAPE)[1] > 25), 0).astype(np.int16) * 3
    given = labels(data, void=(3, 6))
    same(run(given, boundary_width=0), run(given, boundary_width=0, block_size=50, scratch=str(tmp_path)))


def test_a_pore_larger_than_a_block_widens_the_view(tmp_path):
    data = np.zeros((150, 40, 40), dtype=np.uint8)
    data[3:147, 5:35, 5:35] = 1
    data[70:80, 5:35, 5:15] = 0
    given = labels(data)
    same(run(given), run(given, block_size=32, scratch=str(tmp_path)))


def test_lazy_zarr_is_read_piece_by_piece(tmp_path):
    import dask.array
    import zarr

    data = grains((64, 48, 48), 60)
    stored = zarr.create_array(str(tmp_path / "image.zarr"), shape=data.shape, chunks=(16, 48, 48), dtype=data.dtype)
    stored[:] = data
    lazy = labels(dask.array.from_zarr(str(tmp_path / "image.zarr")))
    found = run(lazy, block_size=32, scratch=str(tmp_path / "scratch"))
    same(run(labels(data)), found)
    travelled = pickle.loads(pickle.dumps(found["regions"]))
    assert len(pickle.dumps(found["regions"])) < 20_000
    assert np.array_equal(np.asarray(travelled.data), np.asarray(found["regions"].data))


def test_two_workers_of_dask_give_the_same(tmp_path):
    from distributed import LocalCluster

    data = grains((72, 48, 64), 90)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        found = run(labels(data), block_size=36, threads=1, scratch=str(tmp_path), scheduler=cluster.scheduler_address)
    same(run(labels(data)), found)


def test_a_block_writes_nothing_before_it_is_certain(tmp_path):
    """With one marker far away, no view but the whole can label the tube; the block finds that out by itself."""
    tube = np.zeros((120, 9, 9), dtype=np.uint8)
    tube[1:119, 2:7, 2:7] = 1
    np.save(tmp_path / "phases.npy", tube)
    job = Job(str(tmp_path), tube.shape, 1, 0.4, 4, 0, 1, reach=3)
    job.create("regions", tube.shape, np.int32)
    core = ((0, 30), (0, 9), (0, 9))
    margin = flood_core(job, core, [(np.array([[117, 4, 4]]), np.array([1]))])
    assert margin >= 88
    assert np.array_equal(job.open("regions")[:30] > 0, tube[:30] > 0)


def test_views_and_tiles():
    assert cores((10, 20, 31), 10)[0] == ((0, 10), (0, 10), (0, 10))
    covered = np.zeros((10, 20, 31), dtype=int)
    for z, y, x in cores((10, 20, 31), 10):
        covered[z[0] : z[1], y[0] : y[1], x[0] : x[1]] += 1
    assert (covered == 1).all()
    image = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    assert np.array_equal(framed(image, ((0, 6), (1, 5), (2, 8)), 2), np.pad(image, 2, mode="edge")[0:6, 1:5, 2:8])
    assert view.__doc__


def test_cancel_inside_a_block():
    def work(progress=silent):
        progress(0.5, 1, "inside")

    def stop(done, total, message="", /, **metrics):
        if "1 of 3" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_blocks(work, [(), (), ()], None, stop, "peaks")


@pytest.mark.parametrize(
    "params, words",
    [
        ({"scheduler": "tcp://127.0.0.1:1"}, "edge of the blocks"),
        ({"block_size": 64, "engine": "porespy"}, "block by block"),
        ({"block_size": 64, "accuracy": "high"}, "block by block"),
        ({"block_size": 8}, "at least 32"),
    ],
)
def test_what_blocks_cannot_do_is_said(params, words):
    with pytest.raises(ParameterError, match=words):
        run(labels(grains((40, 40, 40), 20)), **params)


def test_no_void_is_refused_block_by_block(tmp_path):
    with pytest.raises(InputError, match="label 1"):
        run(labels(np.zeros((40, 40, 40), dtype=np.uint8)), block_size=32, scratch=str(tmp_path))


MEASURE = """
import sys
from pathlib import Path
import numpy as np
from porelab_gui.core.network.extract import EXTRACT_NETWORK, ExtractParams
from porelab_gui.core.nouns import Labels
given = {"labels": Labels(np.load(sys.argv[1]), (1e-6, 1e-6, 1e-6))}
params = ExtractParams(block_size=int(sys.argv[2]), scratch=sys.argv[3])
forecast = EXTRACT_NETWORK.estimate(given, params).ram
EXTRACT_NETWORK(given, params)
status = Path("/proc/self/status").read_text().splitlines()
peak = 1024 * int(next(line.split()[1] for line in status if line.startswith("VmHWM")))
print(forecast / peak)
"""


def test_the_memory_forecast_is_right_within_a_fifth(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc to read the peak memory of a process")
    np.save(tmp_path / "image.npy", grains((120, 120, 120), 460))
    words = [sys.executable, "-c", MEASURE, str(tmp_path / "image.npy"), "0", str(tmp_path / "scratch")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert 0.8 < float(done.stdout) < 1.2

"""Strangers' projects, recipes, weights, networks: nothing runs, nothing leaves its folder, sizes are bounded first."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from porelab_gui.core.errors import FormatError, PorelabError
from porelab_gui.core.image.correct import Edits, load_edits, save_edits
from porelab_gui.core.image.formats.dispatch import read_any
from porelab_gui.core.learning.weights import Card, load_weights, save_weights
from porelab_gui.core.nouns import Column, Labels, Network, Stack, Table
from porelab_gui.core.recipe import Recipe, RecipeStep
from porelab_gui.core.recipe_files import check_writes
from porelab_gui.session import project

VOXEL = (1e-6,) * 3
HUGE = 10**7


class Bomb:
    """A pickle that makes a file when it is read."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return (open, (self.mark, "w"))


@pytest.fixture
def mark(tmp_path):
    path = tmp_path / "executed"
    yield path
    assert not path.exists(), "something in a stranger's file was executed"


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.mkdir()
    np.save(path / "keys.npy", np.arange(27, dtype=np.uint8).reshape(3, 3, 3))
    return path


def saved(folder):
    """A project with a stack, labels, a table and a network."""
    data = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    table = Table({"K": Column(np.array([1.0, 2.0]), "m2"), "axis": Column(np.array(["z", "y"]))})
    network = Network(np.zeros((2, 3)), np.array([[0, 1]]), size=(1.0, 1.0, 1.0), voxel_size=1e-6)
    items = {"grey": Stack(data, VOXEL), "labels": Labels(data % 2, VOXEL), "table": table, "network": network}
    project.save(folder, items, Recipe())
    return folder


def edit(folder, change):
    body = json.loads((folder / "project.json").read_text())
    change(body["items"])
    (folder / "project.json").write_text(json.dumps(body))


def data_of(folder, name):
    return folder / json.loads((folder / "project.json").read_text())["items"][name]["file"]


def refused(folder, name, *words):
    """The item is left out with a note that holds these words; the others open."""
    opened = project.open_project(folder)
    assert name not in opened.items and len(opened.items) == 3
    assert name in opened.notes[0] and all(w in opened.notes[0] for w in words), opened.notes


# project.json and what it names


def test_a_link_out_of_the_project_is_refused(tmp_path, secret):
    folder = saved(tmp_path / "p")
    file = data_of(folder, "network")
    file.unlink()
    file.symlink_to(secret / "keys.npy")
    refused(folder, "network", "outside the project")


@pytest.mark.parametrize("what", ["level", "chunk"])
def test_a_link_inside_an_image_is_refused(tmp_path, secret, what):
    folder = saved(tmp_path / "p")
    level = data_of(folder, "grey") / "0"
    if what == "level":
        level.rename(secret / "0")
        level.symlink_to(secret / "0")
    else:
        chunk = next(p for p in level.rglob("*") if p.is_file() and not p.name.startswith("."))
        chunk.rename(secret / "chunk")
        chunk.symlink_to(secret / "chunk")
    refused(folder, "grey", "out" if what == "chunk" else "outside")


def test_an_image_larger_than_memory_is_refused_before_it_is_read(tmp_path):
    folder = saved(tmp_path / "p")
    meta = data_of(folder, "grey") / "0" / ".zarray"
    known = json.loads(meta.read_text())
    known.update(shape=[HUGE, 10**4, 10**4], chunks=[HUGE // 4, 2, 2])
    meta.write_text(json.dumps(known))
    refused(folder, "grey")
    known.update(shape=[10**5, 10**4, 10**4], chunks=[10**3, 500, 500])
    meta.write_text(json.dumps(known))
    refused(folder, "grey", "GiB of memory are free")


@pytest.mark.parametrize("dtype", ["|O", "<U100000000", "nonsense", "|V8"])
@pytest.mark.parametrize("name", ["grey", "table"])
def test_types_that_are_no_numbers_are_refused(tmp_path, name, dtype):
    folder = saved(tmp_path / "p")
    where = (lambda i: i[name]) if name == "grey" else (lambda i: i[name]["columns"]["axis"])
    edit(folder, lambda items: where(items).update(dtype=dtype))
    refused(folder, name)


def test_an_index_nested_a_hundred_thousand_times_is_refused(tmp_path):
    (tmp_path / "project.json").write_text("[" * 100_000)
    with pytest.raises(FormatError, match="not a project"):
        project.open_project(tmp_path)


@pytest.mark.parametrize(
    "entry", [{}, {"kind": "Labels"}, {"kind": "Weights", "folder": "/"}, {"kind": 3}, "text", None]
)
def test_entries_that_make_no_sense_are_named(tmp_path, entry):
    folder = saved(tmp_path / "p")
    edit(folder, lambda items: items.update(network=entry))
    opened = project.open_project(folder)
    assert "network" not in opened.items or entry == {"kind": "Weights", "folder": "/"}
    assert len([k for k in opened.items if k != "network"]) == 3


# Zarr metadata


def write_zarray(folder, **change):
    folder.mkdir()
    known = {"zarr_format": 2, "shape": [4, 4, 4], "chunks": [4, 4, 4], "dtype": "|u1", "compressor": None,
             "fill_value": 0, "order": "C", "filters": None, "dimension_separator": "."}  # fmt: skip
    (folder / ".zarray").write_text(json.dumps({**known, **change}))
    return folder


@pytest.mark.parametrize("change", [{"filters": [{"id": "pickle"}]}, {"compressor": {"id": "pickle"}},
                                    {"filters": [{"id": "pickle"}], "dtype": "|O"}])  # fmt: skip
def test_a_zarr_that_unpickles_is_refused(tmp_path, mark, change):
    folder = write_zarray(tmp_path / "i.zarr", **change)
    (folder / "0.0.0").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(FormatError, match=r"pickle.*does not trust"):
        np.asarray(read_any(folder, VOXEL).data)


def test_a_zarr_3_that_unpickles_inside_a_shard_is_refused(tmp_path, mark):
    folder = tmp_path / "i.zarr"
    folder.mkdir()
    inner = [{"name": "bytes"}, {"name": "numcodecs.pickle"}]
    shard = {
        "name": "sharding_indexed",
        "configuration": {"chunk_shape": [2, 2, 2], "codecs": inner, "index_codecs": []},
    }
    grid = {"name": "regular", "configuration": {"chunk_shape": [4, 4, 4]}}
    (folder / "zarr.json").write_text(json.dumps({
        "zarr_format": 3, "node_type": "array", "shape": [4, 4, 4], "data_type": "uint8", "chunk_grid": grid,
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0, "codecs": [shard],
    }))  # fmt: skip
    with pytest.raises(FormatError, match="does not trust"):
        read_any(folder, VOXEL)


def test_a_zarr_with_a_link_to_another_place_is_refused(tmp_path, secret):
    folder = write_zarray(tmp_path / "i.zarr")
    (secret / "chunk").write_bytes(bytes(range(64)))
    (folder / "0.0.0").symlink_to(secret / "chunk")
    with pytest.raises(FormatError, match="leads out of the folder"):
        np.asarray(read_any(folder, VOXEL).data)


# HDF5


@pytest.mark.parametrize("ending", [".h5", ".nc", ".mat"])
@pytest.mark.parametrize("way", ["external storage", "virtual"])
def test_values_in_other_files_are_refused(tmp_path, secret, ending, way):
    import h5py

    path, other = tmp_path / f"i{ending}", secret / "other.h5"
    with h5py.File(other, "w") as file:
        file["image"] = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    with h5py.File(path, "w", userblock_size=512 if ending == ".mat" else 0) as file:
        if way == "virtual":
            layout = h5py.VirtualLayout((3, 3, 3), np.uint8)
            layout[:] = h5py.VirtualSource(str(other), "image", (3, 3, 3))
            file.create_virtual_dataset("image", layout)
        else:
            file.create_dataset("image", (3, 3, 3), np.uint8, external=[(str(secret / "keys.npy"), 0, 27)])
    if ending == ".mat":
        with path.open("r+b") as handle:
            handle.write(b"MATLAB 7.3 MAT-file".ljust(128))
    with pytest.raises(FormatError, match="reads from another file"):
        read_any(path, VOXEL)


def test_a_link_to_another_file_is_not_followed(tmp_path, secret):
    import h5py

    with h5py.File(secret / "other.h5", "w") as file:
        file["image"] = np.zeros((3, 3, 3), np.uint8)
    with h5py.File(tmp_path / "i.h5", "w") as file:
        file["image"] = h5py.ExternalLink(str(secret / "other.h5"), "/image")
    with pytest.raises(FormatError):
        read_any(tmp_path / "i.h5", VOXEL)


def test_an_hdf5_that_promises_far_more_than_its_file_holds_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "i.h5", "w") as file:
        file.create_dataset("image", (10**5, 10**5, 10**3), "u1", chunks=(64, 64, 64), compression="gzip")
    with pytest.raises(FormatError, match="promises 10,000,000,000,000 bytes"):
        read_any(tmp_path / "i.h5", VOXEL)


# weights


def weights_of(folder, config, tensors=None):
    import torch

    made = save_weights(folder, torch.nn.Linear(3, 2), config, Card("N", "", "", "", [], "", "", ""))
    if tensors is not None:
        (folder / "model.safetensors").write_bytes(tensors)
    return made


def build(config):
    import torch

    layers = [torch.nn.Linear(int(config["width"]), int(config["width"])) for _ in range(int(config["depth"]))]
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize("config", [{"width": 60_000, "depth": 1}, {"width": 100, "depth": 10**9}])
def test_a_configuration_larger_than_its_file_is_refused_before_it_is_built(tmp_path, config):
    with pytest.raises(FormatError, match="more than the"):
        load_weights(weights_of(tmp_path / "w", config), build)


def header(shape, end):
    body = json.dumps({"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()
    return struct.pack("<Q", len(body)) + body


@pytest.mark.parametrize("raw", [
    struct.pack("<Q", 1 << 60) + b"{}", header([10**6, 10**6], 4 * 10**12), header([2, 3], 4 * 10**12),
    header([-1, 3], 8) + bytes(8), header([1 << 40, 1 << 40], 8) + bytes(8),
])  # fmt: skip
def test_safetensors_that_promise_more_than_the_file_are_refused(tmp_path, raw):
    with pytest.raises(FormatError, match="do not fit"):
        load_weights(weights_of(tmp_path / "w", {"width": 3, "depth": 1}, raw), build)


# recipes


def test_a_recipe_with_a_python_object_runs_nothing(tmp_path, mark):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"porelab_recipe: 1\nsteps: !!python/object/apply:builtins.open ['{mark}', 'w']\n")
    with pytest.raises(FormatError, match="cannot be read"):
        Recipe.load(path)


def test_a_recipe_of_aliases_is_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 12)]
    path = tmp_path / "recipe.yaml"
    path.write_text("porelab_recipe: 1\n" + "\n".join(lines) + "\nsteps: []\n")
    with pytest.raises(FormatError, match="aliases"):
        Recipe.load(path)


@pytest.mark.parametrize("steps", ["[" * 50_000, "[3]", "[{method: 3}]", "[{method: load, params: 3}]",
                                   "[{method: load, inputs: {image: [1]}}]", "{a: 1}"])  # fmt: skip
def test_recipes_that_make_no_sense_are_refused(tmp_path, steps):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"porelab_recipe: 1\nsteps: {steps}\n")
    with pytest.raises(FormatError):
        Recipe.load(path)


@pytest.mark.parametrize("number", ["99", "text", "[1]"])
def test_a_newer_recipe_is_refused(tmp_path, number):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"porelab_recipe: {number}\nsteps: []\n")
    with pytest.raises(FormatError, match=r"this program reads up to 1.*Update PoreLab"):
        Recipe.load(path)


def test_a_recipe_does_not_write_over_files_elsewhere(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(), there.mkdir()
    (there / "thesis.csv").write_text("years of work")
    monkeypatch.chdir(here)
    recipe = Recipe((RecipeStep("export", {"path": str(there / "thesis.csv")}, {"data": "table"}),))
    with pytest.raises(PorelabError, match="would write over"):
        check_writes(recipe, here)
    check_writes(recipe, there)
    recipe.save(here / "recipe.yaml")
    from porelab_gui.cli import main

    assert main(["run", str(here / "recipe.yaml")]) == 1 and (there / "thesis.csv").read_text() == "years of work"


def test_only_yaml_json_and_archives_are_read(tmp_path, mark):
    """A pickle under the name of each kind of file."""
    raw = pickle.dumps(Bomb(mark))
    for name in ("n.npz", "i.npy", "r.yaml", "e.npz", "n.csv", "n.am", "n.pnm", "t.mat"):
        (tmp_path / name).write_bytes(raw)
    for read in (lambda: read_any(tmp_path / "n.npz", VOXEL), lambda: read_any(tmp_path / "i.npy", VOXEL),
                 lambda: Recipe.load(tmp_path / "r.yaml"), lambda: load_edits(tmp_path / "e.npz"),
                 lambda: read_any(tmp_path / "n.csv"), lambda: read_any(tmp_path / "n.am"),
                 lambda: read_any(tmp_path / "n.pnm"), lambda: read_any(tmp_path / "t.mat")):  # fmt: skip
        with pytest.raises(FormatError):
            read()


# networks and painted voxels


def archive(path, **shapes):
    """An .npz whose arrays promise these shapes and hold nothing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, (shape, dtype) in shapes.items():
            with file.open(f"{name}.npy", "w") as handle:
                np.lib.format.write_array_header_1_0(
                    handle, {"descr": dtype, "fortran_order": False, "shape": tuple(shape)}
                )
    return path


def test_a_network_that_promises_more_than_it_holds_is_refused(tmp_path):
    shapes = {"pore.coords": ((10**12, 3), "<f8"), "throat.conns": ((10**12, 2), "<i8")}
    with pytest.raises(FormatError):
        read_any(archive(tmp_path / "n.npz", **shapes))


def test_a_network_of_objects_runs_nothing(tmp_path, mark):
    path = tmp_path / "n.npz"
    np.savez(path, **{"pore.coords": np.array([Bomb(mark)], object), "throat.conns": np.zeros((1, 2), int)})
    with pytest.raises(FormatError, match="could run code"):
        read_any(path)


def test_painted_voxels_that_promise_more_than_they_hold_are_refused(tmp_path):
    shapes = {"shape": ((3,), "<i8"), "index": ((10**12,), "<i8"), "value": ((10**12,), "<i8")}
    with pytest.raises(PorelabError):
        load_edits(archive(tmp_path / "e.npz", **shapes))
    save_edits(Edits((2, 2, 2), np.array([3]), np.array([1])), tmp_path / "fine.npz")
    assert load_edits(tmp_path / "fine.npz").index.tolist() == [3]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("name", ["i.tif", "i.raw", "i.npy", "n.csv"])
def test_a_named_pipe_does_not_hold_the_program(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(FormatError, match="not a file"):
        read_any(tmp_path / name, VOXEL)


def test_a_packed_table_is_not_unpacked(tmp_path):
    import gzip

    from porelab_gui.core.inputs import read_table

    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"K [m2]\n" + b"1.0\n" * 100_000))
    with pytest.raises(PorelabError):
        read_table(path)

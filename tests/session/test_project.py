"""Projects: what was saved comes back, whole or as it was before; strangers' projects stay in their folder."""

from __future__ import annotations

import json

import numpy as np
import pytest

from porelab_gui.core.errors import FormatError, PorelabError
from porelab_gui.core.nouns import Column, Labels, Network, Regions, Stack, Table
from porelab_gui.core.recipe import Recipe, RecipeStep
from porelab_gui.session import project

VOXEL = (1e-6, 2e-6, 3e-6)
PHASES = {0: "a", 1: "b", 2: "c"}


def items():
    rng = np.random.default_rng(0)
    network = Network(
        rng.random((4, 3)), np.array([[0, 1], [1, 2], [2, 3]]),
        pores={"d": Column(rng.random(4), "m", "diameter"), "face_z0": Column(np.array([True, False, False, False]))},
        throats={"g_hydraulic.x": Column(rng.random(3), "m3/(Pa s)", "g", {"viscosity": 1e-3})},
        size=(1e-4, 2e-4, 3e-4), voxel_size=1e-6, porosity=0.2, extraction={"method": "m"},
    )  # fmt: skip
    table = Table(
        {"axis": Column(np.array(["z", "y"])), "K": Column(np.array([1 / 3, np.nan]), "m2", "permeability"),
         "n": Column(np.array([1, 2])), "ok": Column(np.array([True, False]))},
        ("A note.",),
    )  # fmt: skip
    return {
        "image": Stack(rng.integers(0, 4000, (5, 6, 7), dtype=np.uint16), VOXEL),
        "binary": Stack(rng.random((5, 6, 7)) > 0.5, VOXEL),
        "labels": Labels(rng.integers(0, 3, (5, 6, 7), dtype=np.uint8), VOXEL, phases=PHASES, void=(1, 2)),
        "regions": Regions(rng.integers(0, 300, (5, 6, 7), dtype=np.int32), VOXEL),
        "network": network,
        "table": table,
    }  # fmt: skip


RECIPE = Recipe((RecipeStep("load", {"path": "x"}, {}, {"image": "image"}),))


def test_everything_comes_back_with_the_same_hash(tmp_path):
    project.save(tmp_path / "p", items(), RECIPE)
    opened = project.open_project(tmp_path / "p")
    assert opened.notes == () and list(opened.items) == list(items())
    for name, noun in items().items():
        again = opened.items[name]
        assert type(again) is type(noun) and again.content_hash == noun.content_hash and again.name == name
    assert opened.items["labels"].phases == {0: "a", 1: "b", 2: "c"} and opened.items["labels"].void == (1, 2)
    column = opened.items["network"].throats["g_hydraulic.x"]
    assert column.meta == {"viscosity": 1e-3} and column.unit == "m3/(Pa s)"
    assert opened.items["table"].notes == ("A note.",) and opened.items["table"].columns["K"].unit == "m2"
    assert opened.recipe.steps[0].method == "load"


def test_an_image_whose_load_names_no_path_is_stored(tmp_path):
    image = items()["image"]
    memory = np.memmap(tmp_path / "grey.raw", image.data.dtype, "w+", shape=image.shape)
    memory[:] = image.data
    stack = Stack(memory, VOXEL)
    step = RecipeStep("load", {}, {}, {"image": "image"}, {"image": stack.content_hash})
    project.save(tmp_path / "p", {"image": stack}, Recipe((step,)), refer_above=0)
    assert project.open_project(tmp_path / "p").items["image"].content_hash == stack.content_hash


def test_saving_again_writes_only_what_changed_and_forgets_the_rest(tmp_path):
    first = items()
    project.save(tmp_path, first, RECIPE)
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "data").iterdir()}
    changed = {**first, "image": Stack(first["image"].array() + 1, VOXEL)}
    del changed["table"]
    project.save(tmp_path, changed, RECIPE)
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "data").iterdir()}
    assert len(after) == len(before) - 1
    same = before.keys() & after.keys()
    assert len(same) == 4 and all(before[k] == after[k] for k in same)


def test_a_broken_save_leaves_the_last_good_state(tmp_path, monkeypatch):
    project.save(tmp_path, items(), RECIPE)
    changed = {
        **items(),
        "image": Stack(np.ones((3, 3, 3)), VOXEL),
        "network": Network(np.zeros((1, 3)), np.zeros((0, 2))),
    }

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project.npz, "write", fail)
    with pytest.raises(PorelabError, match="disk is full"):
        project.save(tmp_path, changed, RECIPE)
    opened = project.open_project(tmp_path)
    assert opened.items["image"].content_hash == items()["image"].content_hash and opened.notes == ()


def edit(folder, change):
    body = json.loads((folder / "project.json").read_text())
    change(body)
    (folder / "project.json").write_text(json.dumps(body))


def test_a_newer_project_is_refused_with_the_sentence(tmp_path):
    project.save(tmp_path, items(), RECIPE)
    edit(tmp_path, lambda b: b.update(porelab_project=99))
    with pytest.raises(FormatError, match=r"format 99.*Update PoreLab"):
        project.open_project(tmp_path)


@pytest.mark.parametrize("file", ["../secret.npz", "/etc/passwd", "data/missing.npz"])
def test_paths_do_not_leave_the_folder(tmp_path, file):
    folder = tmp_path / "p"
    project.save(folder, items(), RECIPE)
    (tmp_path / "secret.npz").write_bytes(b"x")
    edit(folder, lambda b: b["items"]["network"].update(file=file))
    opened = project.open_project(folder)
    assert "network" not in opened.items and "network could not be opened" in opened.notes[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"porelab_project": 1}', '{"porelab_project": 1, "items": []}'])
def test_what_is_not_a_project_is_refused(tmp_path, text):
    (tmp_path / "project.json").write_text(text)
    with pytest.raises(FormatError, match="not a project"):
        project.open_project(tmp_path)


def test_a_damaged_item_is_named_and_the_others_open(tmp_path):
    project.save(tmp_path, items(), RECIPE)
    damaged = next((tmp_path / "data").glob("network-*.npz"))
    damaged.write_bytes(b"not a zip")
    opened = project.open_project(tmp_path)
    assert "network" not in opened.items and len(opened.items) == len(items()) - 1 and "network" in opened.notes[0]

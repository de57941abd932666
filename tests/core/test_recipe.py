"""Recipes: saved, replayed, changed, and refused when they are not one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml

from porelab_gui.core import recipe as recipes
from porelab_gui.core.cases import run_cases, span, sweep
from porelab_gui.core.errors import FormatError, ParameterError
from porelab_gui.core.method import Method, Params, Port, param
from porelab_gui.core.nouns import Stack
from porelab_gui.core.recipe import Recipe, RecipeStep, replay


class MakeParams(Params):
    seed: int = param(0, "Seed.", unit="1", ge=0, le=100)


class ScaleParams(Params):
    factor: float = param(2.0, "Factor.", unit="1", gt=0, le=10)


def make(inputs, params, progress):
    return {"image": Stack(np.random.default_rng(params.seed).random((4, 5, 6)), (1e-6,) * 3)}


def scale(inputs, params, progress):
    return {"image": Stack(inputs["image"].array() * params.factor, (1e-6,) * 3)}


METHODS = {
    "make": Method("make", "Make", "Makes.", "Load", "", MakeParams, {}, {"image": Stack}, make),
    "scale": Method("scale", "Scale", "S.", "Load", "", ScaleParams, {"image": Port(Stack)}, {"image": Stack}, scale),
}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(recipes, "get", METHODS.__getitem__)


def sample() -> Recipe:
    steps = (
        RecipeStep("make", {"seed": 3}, {}, {"image": "rock"}),
        RecipeStep("scale", {"factor": 2.0}, {"image": "rock"}, {"image": "rock"}),
        RecipeStep("scale", {"factor": 0.5}, {"image": "rock"}, {"image": "small"}),
    )
    return Recipe(steps)


def test_a_replay_gives_the_same_numbers_to_the_last_digit(tmp_path):
    first = replay(sample())
    first.recipe.save(tmp_path / "recipe.yaml")
    again = replay(Recipe.load(tmp_path / "recipe.yaml"))
    assert again.differences == ()
    assert np.array_equal(again.items["small"].array(), np.random.default_rng(3).random((4, 5, 6)))


def test_steps_of_one_method_get_their_own_ids_and_can_be_set():
    changed = sample().changed({"scale_2.factor": 4.0, "make.seed": 5})
    assert [s.id for s in changed.steps] == ["make", "scale", "scale_2"]
    assert [s.params for s in changed.steps] == [{"seed": 5}, {"factor": 2.0}, {"factor": 4.0}]


def test_a_changed_input_is_named():
    recorded = replay(sample()).recipe
    assert replay(recorded.changed({"make.seed": 4})).differences[0].startswith("make: rock differs")


@pytest.mark.parametrize("setting", [{"scale.factor": -1}, {"nothing.factor": 1}, {"scale.colour": 1}, {"factor": 1}])
def test_a_wrong_setting_is_refused(setting):
    with pytest.raises(ParameterError):
        sample().changed(setting)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "a: b: c",
        "porelab_recipe: 99",
        "!!python/object/apply:os.system ['true']",
        "porelab_recipe: 1\nsteps: [{a: 1}]",
    ],
)
def test_what_is_not_a_recipe_is_refused_by_name(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"recipe\.yaml"):
        Recipe.load(path)


def test_a_missing_input_is_named():
    with pytest.raises(FormatError, match="rock"):
        replay(Recipe((RecipeStep("scale", {}, {"image": "rock"}, {"image": "out"}),)))


def test_the_file_is_plain_yaml_with_versions(tmp_path):
    sample().save(tmp_path / "r.yaml")
    body = yaml.safe_load((tmp_path / "r.yaml").read_text())
    assert body["versions"]["numpy"] == np.__version__ and len(body["steps"]) == 3


def test_the_script_names_every_step():
    script = sample().as_script()
    compile(script, "script", "exec")
    assert script.count("porelab_gui.run(") == 3 and "rock" in script


def test_spans_hold_their_stop_and_stay_exact():
    assert span("0.1:0.3:0.1") == [0.1, 0.2, 0.3] and span("4:1:-1") == [4, 3, 2, 1] and span("abc") is None
    with pytest.raises(ParameterError):
        span("1:2:-1")


def test_a_sweep_runs_what_its_cases_share_once(monkeypatch):
    ran = []
    counted = replace(METHODS["make"], function=lambda *a: ran.append(1) or make(*a))
    monkeypatch.setitem(METHODS, "make", counted)
    table = run_cases(sample(), sweep({}, {"scale_2.factor": [1.0, 2.0, 3.0]}))
    assert len(table) == 3 and len(ran) == 1 and list(table["scale_2.factor"]) == [1, 2, 3]


def test_a_changed_version_of_a_method_is_named(monkeypatch):
    recorded = replay(sample()).recipe
    newer = {**METHODS, "scale": replace(METHODS["scale"], version="2")}
    monkeypatch.setattr(recipes, "get", newer.__getitem__)
    told = replay(recorded).differences
    assert "scale: its Method has version 2, recorded with 1" in told and "scale_2" in told[1]

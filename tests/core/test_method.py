"""A Method checks its parameters and inputs, and refuses to be declared without units."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from porelab_gui.core.api import bind
from porelab_gui.core.errors import InputError, ParameterError, PorelabError
from porelab_gui.core.method import Method, Params, Port, param
from porelab_gui.core.nouns import Column, Labels, Network, Stack, Table, check_voxel_size
from porelab_gui.core.registry import get, methods


class BlurParams(Params):
    sigma: float = param(1.0, "Width.", unit="voxel", gt=0, le=5)


def blur(inputs, params, progress):
    return {"image": inputs["image"]}


def declared(params):
    return Method("blur", "Blur", "Blurs.", "Segment", "", params, {"image": Port(Stack)}, {"image": Stack}, blur)


def stack():
    return Stack(np.zeros((3, 4, 5)), (1e-6, 2e-6, 3e-6))


def test_values_out_of_range_and_unknown_names_are_refused_by_name():
    method = declared(BlurParams)
    with pytest.raises(ParameterError, match=r"blur\.sigma"):
        method({"image": stack()}, {"sigma": 9})
    with pytest.raises(ParameterError, match=r"Known parameters: sigma"):
        method({"image": stack()}, {"colour": 1})


def test_missing_and_wrong_inputs_are_refused():
    method = declared(BlurParams)
    with pytest.raises(ParameterError, match="got nothing"):
        method({}, {})
    with pytest.raises(ParameterError, match="got a Table"):
        method({"image": Table({})}, {})


def test_a_number_without_unit_or_range_cannot_be_declared():
    class Bad(Params):
        sigma: float = param(1.0, "Width.")

    with pytest.raises(TypeError, match="unit"):
        declared(Bad)


def test_nouns_find_their_ports_by_type():
    method = Method("m", "M", "m.", "Load", "", BlurParams, {"a": Port(Network), "b": Port(Stack)}, {}, blur)
    network = Network(np.zeros((2, 3)), np.array([[0, 1]]))
    assert bind(method, (stack(), network)).keys() == {"a", "b"}
    with pytest.raises(ParameterError):
        bind(method, (Table({}),))


def test_every_registered_method_is_complete():
    assert {"extract_network", "conductance_analytic"} <= methods().keys()
    for method in methods().values():
        assert method.title and method.summary and method.outputs
        assert all(info.description for info in method.params.model_fields.values())


def test_an_unknown_method_names_its_neighbours():
    with pytest.raises(ParameterError, match="extract_network"):
        get("extract_netwrk")


def test_errors_survive_the_way_between_processes():
    error = pickle.loads(pickle.dumps(PorelabError("broken", where="a.tif", remedy="Mend it.")))
    assert str(error) == "a.tif: broken. Mend it."


@pytest.mark.parametrize("size", [0, -1e-6, float("nan"), (1e-6, 1e-6), (1e-6, 0, 1e-6), float("inf")])
def test_voxel_sizes_must_be_positive_lengths(size):
    with pytest.raises(InputError, match="voxel size"):
        check_voxel_size(size)


def test_two_dimensional_images_are_refused():
    with pytest.raises(InputError, match="not three dimensions"):
        Stack(np.zeros((4, 4)), (1e-6,) * 3)


def test_labels_know_their_porosity():
    data = np.zeros((4, 4, 4), np.uint8)
    data[0], data[1] = 1, 2
    labels = Labels(data, (1e-6,) * 3, phases={0: "matrix", 1: "organic pore", 2: "inorganic pore"}, void=(1, 2))
    assert labels.porosity() == 0.5


def test_a_network_keeps_only_what_is_asked_for():
    network = Network(np.zeros((3, 3)), np.array([[0, 1], [1, 2]]), throats={"d": Column(np.array([1.0, 2.0]), "m")})
    kept = network.keep(np.array([False, True, True]))
    assert kept.n_pores == 2 and kept.conns.tolist() == [[0, 1]] and kept.throat("d").tolist() == [2.0]
    assert kept.throats["d"].unit == "m"


def test_frozen_columns_cannot_be_changed_and_wrong_lengths_are_refused():
    network = Network(np.zeros((2, 3)), np.array([[0, 1]]), pores={"d": Column(np.ones(2), "m")})
    with pytest.raises(ValueError):
        network.pore("d")[0] = 5
    with pytest.raises(InputError, match="rows"):
        network.with_pores(e=Column(np.ones(3)))
    with pytest.raises(InputError, match="no throat column"):
        network.throat("length")


def test_hashes_follow_content_not_names():
    a, b = stack(), Stack(np.zeros((3, 4, 5)), (1e-6, 2e-6, 3e-6), name="other")
    assert a.content_hash == b.content_hash
    assert a.content_hash != Stack(np.zeros((3, 4, 5)), (1e-6, 2e-6, 4e-6)).content_hash

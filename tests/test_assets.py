"""The finder of resources and the registry of public data sets."""

from __future__ import annotations

import pytest

from porelab_gui import assets
from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.loading import LoadParams


def test_every_data_set_says_where_and_under_which_licence():
    known = assets.registry()
    assert {"berea", "sandstones_drp317", "deepore", "soc_ni_ysz"} <= set(known)
    for key, entry in known.items():
        assert entry["title"] and entry["licence"] and entry["citation"], key
        assert entry["url"].startswith("https://"), key


def test_load_hints_are_parameters_of_load():
    for key, entry in assets.registry().items():
        LoadParams(path=key, **entry.get("load", {}))


def test_missing_resource_is_named():
    with pytest.raises(PorelabError, match=r"nothing/here\.png is missing"):
        assets.find("nothing", "here.png")
    with pytest.raises(PorelabError, match="no sample 'gold'"):
        assets.sample("gold")

"""What a Method is offered from a session, by kind and by name."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.method import Method, Params, Port
from porelab_gui.core.nouns import Stack
from porelab_gui.core.registry import get
from porelab_gui.session.session import Session


@pytest.fixture
def session():
    made = Session()
    for name in ("after", "image", "before", "newest"):
        made.put(get("load"), {}, {}, {"image": Stack(np.zeros((2, 2, 2), np.uint8), (1e-6,) * 3)}, {"image": name})
    yield made
    made.queue.close()


def method(**inputs):
    return Method("m", "M", "Does nothing.", "Load", "", Params, inputs, {}, lambda i, p, progress: {})


def test_the_newest_of_a_kind_is_offered(session):
    assert session.defaults(method(image=Port(Stack, ""))) == {"image": "newest"}


def test_of_several_inputs_of_one_kind_each_takes_the_item_of_its_name(session):
    asked = method(before=Port(Stack, ""), after=Port(Stack, ""), other=Port(Stack, ""))
    assert session.defaults(asked) == {"before": "before", "after": "after", "other": "newest"}


def test_an_optional_input_only_takes_an_item_of_its_name(session):
    asked = method(truth=Port(Stack, "", optional=True), image=Port(Stack, "", optional=True))
    assert session.defaults(asked) == {"image": "image"}


def test_how_sure_a_net_is_of_an_image_is_not_taken_for_the_image(session):
    grey = Stack(np.zeros((2, 2, 2), np.uint8), (1e-6,) * 3)
    bound = {"image": "newest"}
    session.put(get("segment_unet"), {}, bound, {"uncertainty": grey, "probability": grey})
    assert session.defaults(method(image=Port(Stack, ""))) == {"image": "newest"}
    assert session.defaults(get("next_slice"))["uncertainty"] == "uncertainty"
    session.put(get("filter_median"), {}, bound, {"image": grey}, {"image": "smooth"})
    assert session.defaults(method(image=Port(Stack, ""))) == {"image": "smooth"}

"""Two canvases in one window: what is deleted in one stays alive in the other."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Field, Regions

MANY = 400  # textures: more than the canvas of the window has, so that every name of its own is also one of these


@pytest.fixture
def other(qtbot):
    """A canvas of another GL context, current, with textures under the first names."""
    gl = pytest.importorskip("OpenGL.GL")
    from vispy import scene

    canvas = scene.SceneCanvas(keys=None, show=True, size=(120, 90))
    qtbot.addWidget(canvas.native)
    qtbot.waitUntil(canvas.native.isValid, timeout=10_000)
    canvas.render()
    canvas.native.makeCurrent()
    made = [int(n) for n in gl.glGenTextures(MANY)]
    for name in made:
        gl.glBindTexture(gl.GL_TEXTURE_2D, name)
    yield canvas, made
    canvas.close()


def test_a_removed_layer_takes_nothing_from_another_canvas(context, other, window):
    from OpenGL import GL
    from qtpy.QtGui import QOpenGLContext

    canvas, textures = other
    noise = np.random.default_rng(0).random((6, 20, 20)).astype(np.float32)
    context.put(field=Field(noise, 1e-6, quantity="speed"), regions=Regions(np.int32(noise * 9), 1e-6))
    window.screenshot(canvas_only=True, flash=False)  # the layers are painted, and have textures
    canvas.native.makeCurrent()
    window.layers.clear()
    assert QOpenGLContext.currentContext() is canvas.native.context()
    assert GL.glGetError() == GL.GL_NO_ERROR
    assert all(GL.glIsTexture(name) for name in textures)


def test_the_layers_of_a_window_are_freed_while_another_canvas_is_current(context, other, window):
    """Nothing is lost either: the queue is done, in the right place."""
    from OpenGL import GL

    canvas, _ = other
    context.put(field=Field(np.ones((6, 20, 20), np.float32), 1e-6, quantity="speed"))
    window.screenshot(canvas_only=True, flash=False)
    scene = window.window._qt_viewer.canvas._scene_canvas
    before = _alive(scene, GL)
    canvas.native.makeCurrent()
    window.layers.clear()
    assert _alive(scene, GL) < before


def _alive(scene, gl):
    """How many textures a canvas has in GL."""
    scene.native.makeCurrent()
    return sum(bool(gl.glIsTexture(name)) for name in range(1, 1000))

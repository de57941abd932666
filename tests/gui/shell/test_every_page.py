"""What holds on every page and dock: a source, names that can be heard, the Tab key; tutorials that name it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QTableView, QToolButton, QTreeView
from window_pages import bold, pages, words

from porelab_gui.gui.access import controls, spoken

pytestmark = pytest.mark.gui
TUTORIALS = sorted((Path(__file__).parents[3] / "docs" / "tutorials").glob("*.md"))
YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
OURS = ("PoreLab", "Jobs", "Plots", "Ions")


@pytest.fixture(scope="module")
def every_page(window):
    """Every page of the window, built."""
    window.make_plots()
    return list(pages(window))


def sources(root):
    """What the buttons "What is this?" below a widget say."""
    return [str(b.property("about")) for b in root.findChildren(QToolButton, "what_is_this")]


def docks(porelab):
    return {name: w for name, w in porelab.viewer.window.dock_widgets.items() if name in OURS}


def test_every_page_says_what_it_is_and_cites_a_source(porelab, every_page):
    without = [(step, name) for step, name, page in every_page if not any(map(YEAR.search, sources(page)))]
    assert len(every_page) > 60 and not without


def test_every_dock_says_what_it_is_and_cites_a_source(porelab, every_page):
    assert set(docks(porelab)) == set(OURS)
    assert not [name for name, dock in docks(porelab).items() if not any(map(YEAR.search, sources(dock)))]


def test_a_click_unfolds_the_source(qtbot, porelab):
    page = porelab.show_step("Network").show_method("extract_network")
    link = page.findChild(QToolButton, "what_is_this")
    link.setChecked(False)
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    assert link.parentWidget().text.isVisible() and "Gostick" in link.parentWidget().text.text()
    link.click()


def test_tab_walks_from_the_steps_to_the_button_of_the_page(qtbot, porelab):
    page = porelab.show_step("Transport").show_method("voxel_diffusion")
    porelab.main.activateWindow()
    first = porelab.stepper.buttons["Load"]
    first.setFocus()
    qtbot.waitUntil(first.hasFocus, timeout=5000)
    met = []
    for _ in controls(porelab.main):  # earlier tests have left rows of jobs in the window, each a stop on the way
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        met.append(QApplication.focusWidget())
        if met[-1] is porelab.stepper.foot.recipe:
            break
    want = [w for w in controls(page) if w.isVisible() and w.isEnabled()]
    assert want and not [spoken(w) for w in want if w not in met]


def test_every_control_has_a_name(porelab, every_page):
    roots = {**docks(porelab), **{f"step {s}": a for s, a in porelab.stepper.pages.items()}, "welcome": porelab.welcome}
    nameless = {
        f"{where}: {type(w).__name__} {w.objectName()} under {type(w.parentWidget()).__name__}"
        for where, root in roots.items()
        for w in controls(root)
        if not spoken(w)
    }
    assert not nameless


def test_tab_reaches_every_control_and_is_caught_by_none(porelab, every_page):
    roots = [*docks(porelab).values(), *porelab.stepper.pages.values(), porelab.welcome]
    every = [w for root in roots for w in controls(root)]
    unreached = [(type(w).__name__, spoken(w)) for w in every if not w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    caught = [spoken(w) for w in every if isinstance(w, QTableView | QTreeView) and w.tabKeyNavigation()]
    assert not unreached and not caught


def test_keys_lead_to_the_steps(qtbot, porelab):
    porelab.main.activateWindow()
    porelab.stepper.buttons["Load"].setFocus()
    qtbot.waitUntil(porelab.stepper.buttons["Load"].hasFocus, timeout=5000)
    for number, step in enumerate(list(porelab.stepper.buttons)[:3]):
        qtbot.keyClick(porelab.main, str(number + 1), Qt.KeyboardModifier.AltModifier)
        assert porelab.stepper.current == step


def test_every_menu_action_has_a_shortcut_of_its_own(porelab):
    keys = {key: action.shortcut().toString() for key, action in porelab.actions.items()}
    assert all(keys.values()), keys
    others = [a.shortcut().toString() for a in porelab.main.findChildren(type(next(iter(porelab.actions.values()))))]
    taken = [key for key, text in keys.items() if others.count(text) > 1]
    assert not taken


def test_everything_in_bold_in_the_tutorials_is_on_the_screen(porelab, every_page):
    known = words(porelab.main) | set(porelab.stepper.buttons) | {"Guided first run"}
    missing = {p.stem: sorted(bold(p) - known) for p in TUTORIALS if bold(p) - known}
    assert not missing

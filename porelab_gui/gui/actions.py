"""Everything in the menus, as data: title, place, shortcut and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import QMenu

from porelab_gui.gui.dialogs.many_runs import ask_many_runs
from porelab_gui.gui.recent import RecentMenu
from porelab_gui.gui.recipes import ask_replay, ask_save
from porelab_gui.gui.reporting import ask_report
from porelab_gui.gui.undoing import redo, redo_title, undo, undo_title

if TYPE_CHECKING:
    from porelab_gui.gui.main_window import PorelabWindow

Run = Callable[["PorelabWindow"], object]
Title = Callable[["PorelabWindow"], str]


@dataclass(frozen=True)
class ActionSpec:
    """One entry. ``title_now`` renames it and, when empty, greys it while its menu opens."""

    key: str
    menu: str
    title: str
    run: Run
    shortcut: str = ""
    title_now: Title | None = None


ACTIONS = (
    ActionSpec("open", "File", "Open in PoreLab…", lambda w: w.opener.ask_files(), "Ctrl+Shift+I"),
    ActionSpec("open_folder", "File", "Open folder of slices…", lambda w: w.opener.ask_folder(), "Ctrl+Alt+F"),
    ActionSpec("open_project", "File", "Open project…", lambda w: w.desk.ask_open(), "Ctrl+Alt+O"),
    ActionSpec("save_project", "File", "Save project", lambda w: w.desk.save(), "Ctrl+Alt+S"),
    ActionSpec("save_project_as", "File", "Save project as…", lambda w: w.desk.save_as(), "Ctrl+Alt+Shift+S"),
    ActionSpec("close_project", "File", "Close project", lambda w: w.desk.close_project(), "Ctrl+Alt+W"),
    ActionSpec("save_recipe", "File", "Save recipe…", lambda w: ask_save(w.context, w.main), "Ctrl+Shift+R"),
    ActionSpec(
        "save_script",
        "File",
        "Save recipe as Python script…",
        lambda w: ask_save(w.context, w.main, True),
        "Ctrl+Alt+Y",
    ),
    ActionSpec("report", "File", "Report of the session…", lambda w: ask_report(w.context, w.main), "Ctrl+Alt+R"),
    ActionSpec("replay", "File", "Replay a recipe…", lambda w: ask_replay(w.context, w.main), "Ctrl+Alt+P"),
    ActionSpec(
        "many_runs", "File", "Many runs: sweep or batch…", lambda w: ask_many_runs(w.context, w.main), "Ctrl+Alt+M"
    ),
    ActionSpec("undo", "Edit", "Undo", lambda w: undo(w.context), "Ctrl+Z", lambda w: undo_title(w.context)),
    ActionSpec("redo", "Edit", "Redo", lambda w: redo(w.context), "Ctrl+Shift+Z", lambda w: redo_title(w.context)),
    ActionSpec("docks", "Window", "Show the docks of PoreLab", lambda w: w.add_docks(), "Ctrl+Alt+D"),
    ActionSpec("tour", "Help", "Guided first run", lambda w: w.start_tour(), "Ctrl+Alt+G"),
    ActionSpec("log", "Help", "Show the log of errors…", lambda w: w.show_log(), "Ctrl+Alt+L"),
)


def install(window: PorelabWindow) -> dict[str, QAction]:
    """Put every action into the window's menus and give them by key."""
    made: dict[str, QAction] = {}
    by_menu: dict[str, list[QAction]] = {}
    for spec in ACTIONS:
        action = QAction(spec.title, window.main)
        action.setObjectName(f"porelab.{spec.key}")
        action.triggered.connect(_guarded(window, spec.run))
        if spec.shortcut:
            action.setShortcut(QKeySequence(spec.shortcut))
        made[spec.key] = action
        by_menu.setdefault(spec.menu, []).append(action)
    recent = RecentMenu(window)
    by_menu["File"].insert(by_menu["File"].index(made["open_project"]) + 1, recent.menuAction())
    for menu, actions in by_menu.items():
        _fill(_menu(window, menu), actions)
    _keep_titles(window, made)
    return made


def _guarded(window: PorelabWindow, run: Run) -> Callable[[], None]:
    from porelab_gui.core.errors import PorelabError

    def call() -> None:
        try:
            run(window)
        except PorelabError as error:
            window.context.report(error)

    return call


def _menu(window: PorelabWindow, title: str) -> Any:
    """The menu of that title; Edit is ours and stands after File."""
    napari = window.viewer.window
    known = {"File": napari.file_menu, "Window": napari.window_menu, "Help": napari.help_menu}
    if title in known:
        return known[title]
    bar = window.main.menuBar()
    menu = QMenu(f"&{title}", bar)
    bar.insertMenu(napari.view_menu.menuAction(), menu)
    return menu


def _fill(menu: Any, actions: list[QAction]) -> None:
    """Put our entries first; napari rebuilds its menus when plugins change, so they are put back on opening."""

    def fill() -> None:
        present = menu.actions()
        if actions[0] in present:
            return
        first = present[0] if present else None
        for action in actions:
            menu.insertAction(first, action)
        if first is not None:
            menu.insertSeparator(first)

    fill()
    menu.aboutToShow.connect(fill)


def _keep_titles(window: PorelabWindow, made: dict[str, QAction]) -> None:
    dynamic = [(made[s.key], s) for s in ACTIONS if s.title_now]

    def refresh(*_: object) -> None:
        for action, spec in dynamic:
            title = spec.title_now(window) if spec.title_now else ""
            action.setText(f"{spec.title} {title}".strip())

    window.context.session.stepped.connect(refresh)
    window.keep(refresh)
    for menu in window.main.menuBar().findChildren(QMenu):
        if any(action in menu.actions() for action, _ in dynamic):
            menu.aboutToShow.connect(refresh)
    refresh()

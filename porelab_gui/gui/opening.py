"""Opening files and folders: the work is the Method ``load``; what the file does not say is asked in a dialog."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from qtpy.QtWidgets import QDialog, QFileDialog, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.fast_copy import has_slow_axes
from porelab_gui.core.image.formats.base import EAGER_BYTES, DatasetNeeded, FileInfo, LayoutNeeded, VoxelSizeNeeded
from porelab_gui.core.image.formats.raw import sidecar
from porelab_gui.core.nouns import Stack
from porelab_gui.gui.context import Context
from porelab_gui.gui.dialogs.choose import ChooseDialog
from porelab_gui.gui.dialogs.raw_import import RawDialog
from porelab_gui.gui.dialogs.voxel_size import VoxelSizeDialog
from porelab_gui.gui.projects import ProjectDesk
from porelab_gui.gui.quantities import bytes_text
from porelab_gui.gui.theme import follow_theme
from porelab_gui.session.jobs import Job, State
from porelab_gui.session.lanes import LatestLane
from porelab_gui.session.project import is_project
from porelab_gui.session.session import Session

RAW = (".raw", ".bin", ".vol")
SEVERAL = (".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4", ".mat")
RECIPES = (".yaml", ".yml")
QUESTIONS = (VoxelSizeNeeded, DatasetNeeded, LayoutNeeded)
FILTERS = (
    "Images and networks (*.tif *.tiff *.raw *.bin *.vol *.mhd *.mha *.npy *.npz *.nrrd *.nhdr *.h5 *.hdf5 *.mat *.nc "
    "*.mrc *.dm3 *.dm4 *.am *.dat *.pnm *.vtp *.csv *.net);;Recipes (*.yaml *.yml);;All files (*)"
)


def is_question(error: BaseException | None) -> bool:
    """Whether a failed load only needs an answer from the user."""
    return isinstance(error, QUESTIONS)


class Opener:
    """Opens what the user points at; ``dialog`` is the question on the screen, if any. One per session."""

    _known: ClassVar[WeakKeyDictionary[Session, Opener]] = WeakKeyDictionary()

    def __init__(self, context: Context, parent: QWidget) -> None:
        self.context, self.parent = context, parent
        self.dialog: QDialog | None = None
        self._lane = LatestLane("opening", context.session.queue.deliver)
        context.session.queue.finished.connect(self._on_finished)

    @classmethod
    def of(cls, context: Context, parent: QWidget) -> Opener:
        """The opener of a session, made when first asked for: each question is asked once."""
        if context.session not in cls._known:
            cls._known[context.session] = cls(context, parent)
        return cls._known[context.session]

    def open(self, paths: Iterable[str | Path]) -> None:
        """Open files and folders one after another."""
        for path in paths:
            self.open_one(Path(path))

    def open_one(self, path: Path) -> None:
        """Open a file or folder: a recipe is replayed, a project opened, a RAW file previewed, the rest loaded."""
        if path.suffix.lower() in RECIPES:
            from porelab_gui.gui.recipes import replay_here

            replay_here(self.context, path)
        elif is_project(path):
            ProjectDesk.of(self.context, self.parent).open(path)
        elif path.suffix.lower() in RAW and path.is_file() and not sidecar(path).exists():
            self._ask_layout(path)
        else:
            self.load({"path": str(path)})

    def load(self, params: Mapping[str, Any]) -> Job:
        """Queue the Method ``load``; the item takes the name of the file."""
        name = item_name(str(params["path"]))
        self._prepare(Path(params["path"]))
        return self.context.session.run("load", params, {}, {"image": name})

    def _prepare(self, path: Path) -> None:
        """A large image comes back as a dask array: import dask, which takes a second, while the worker reads."""
        if "dask.array" not in sys.modules and path.is_file() and path.stat().st_size > EAGER_BYTES:
            self._lane.ask(lambda _: import_module("dask.array"), lambda _: None)

    def ask_files(self) -> None:
        """The file dialog."""
        names, _ = QFileDialog.getOpenFileNames(self.parent, "Open images or networks", "", FILTERS)
        self.open(names)

    def ask_folder(self) -> None:
        """The folder dialog, for a folder of slices."""
        name = QFileDialog.getExistingDirectory(self.parent, "Open a folder of slices")
        if name:
            self.open([name])

    def _on_finished(self, job: Job) -> None:
        if job.method.name == "load" and job.state is State.DONE:
            params = job.params.model_dump()
            self._offer_copy(item_name(str(params["path"])))
            self._offer_others(Path(params["path"]), params)
        if job.method.name != "load" or job.state is not State.FAILED or not is_question(job.error):
            return
        params = job.params.model_dump()
        path = Path(params["path"])
        if isinstance(job.error, LayoutNeeded):
            self._ask_layout(path)
        elif isinstance(job.error, DatasetNeeded):
            self._ask_dataset(path, params, job.error.datasets)
        else:
            self._ask_voxel(path, params)

    def _offer_others(self, path: Path, params: dict[str, Any]) -> None:
        """A file of several data sets, of which a well-known name was taken: the others are one click away."""
        if params["dataset"] or path.suffix.lower() not in SEVERAL or not path.is_file():
            return
        if path.suffix.lower() == ".mat" and path.stat().st_size > EAGER_BYTES:
            return  # version 5 tells its names only when it is read as a whole
        self._lane.ask(lambda _: _probe(path, params), lambda found: self._tell_others(path, params, found))

    def _tell_others(self, path: Path, params: dict[str, Any], found: FileInfo | Exception) -> None:
        if isinstance(found, Exception) or len(found.datasets) < 2:
            return
        text = f"{path.name} holds {len(found.datasets)} data sets; {found.name} was opened."
        act = ("Choose another…", lambda: self._ask_dataset(path, params, found.datasets))
        self.context.notify(text, "info", action=act)

    def _offer_copy(self, name: str) -> None:
        """A stack that lies on disk slice by slice is slow across x: offer a copy that is not."""
        noun = self.context.session.items.get(name)
        if not isinstance(noun, Stack) or not has_slow_axes(noun):
            return
        text = (
            f"{name} is read from disk as needed: z is quick, slices across x have to read all of it. A fast copy "
            f"({bytes_text(int(1.15 * noun.data.nbytes))} in the cache folder) scrolls along every axis."
        )
        self.context.notify(text, "info", action=("Make a fast copy", lambda: self._copy(name)))

    def _copy(self, name: str) -> None:
        self.context.session.run("fast_copy", {}, {"image": name}, {"image": name})

    def _ask_voxel(self, path: Path, params: dict[str, Any]) -> None:
        dialog = VoxelSizeDialog(self.parent, path.name, _hint(path, params))
        dialog.accepted_size.connect(lambda voxel: self.load({**params, "voxel_size": voxel}))
        self._show(dialog)

    def _ask_dataset(self, path: Path, params: dict[str, Any], names: tuple[str, ...]) -> None:
        text = f"{path.name} holds several images. Which one?"
        dialog = ChooseDialog(self.parent, "Choose a data set", text, names)
        dialog.chosen.connect(lambda name: self.load({**params, "dataset": name}))
        self._show(dialog)

    def _ask_layout(self, path: Path) -> None:
        try:
            dialog = RawDialog(self.parent, path)
        except OSError as error:
            self.context.report(error)
            return
        dialog.accepted_layout.connect(self.load)
        self._show(dialog)

    def _show(self, dialog: QDialog) -> None:
        follow_theme(dialog, self.context.viewer)
        self.dialog = dialog
        dialog.open()


def item_name(path: str) -> str:
    """The name under which a file's data are kept: its name without the type."""
    name = Path(path).name or "image"
    return name.split(".")[0] if name.lower().endswith((".ome.tif", ".ome.tiff", ".ome.zarr")) else Path(name).stem


def _hint(path: Path, params: Mapping[str, Any]) -> Any:
    """A guess of the voxel size from the file's own words, when there is one."""
    try:
        return _probe(path, params).hint
    except PorelabError:
        return None


def _probe(path: Path, params: Mapping[str, Any]) -> FileInfo:
    """What the file says of itself."""
    from porelab_gui.core.image.formats.dispatch import probe
    from porelab_gui.core.image.loading import LoadParams, options_of

    return probe(path, options_of(LoadParams(**params)))

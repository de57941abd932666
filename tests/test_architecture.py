"""The house's contracts: imports run downwards, light imports stay light, layers and threads stay in their rooms."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [p for folder in ("porelab_gui", "plugins") for p in (ROOT / folder).rglob("*.py")]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    env = {"PYTHONPATH": f"{folder}:{folder / 'plugins'}", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    command = [sys.executable, "-c", code, "--no-cache"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    for name in ("porelab_gui", "plugins"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_run_downwards():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("porelab_gui/core/units_of_a_window.py", "from qtpy.QtWidgets import QWidget"),
        ("porelab_gui/session/a_layer.py", "import napari"),
        ("porelab_gui/core/upwards.py", "from porelab_gui.gui import context"),
        ("porelab_gui/core/outwards.py", "import porelab_methods"),
    ],
)
def test_a_planted_import_is_caught(copy, place, line):
    (copy / place).write_text(line + "\n")
    assert lint(copy).returncode != 0


def loaded_by(statement: str, heavy: str) -> str:
    code = f"import sys; {statement}; print([m for m in {heavy.split()} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return result.stdout.strip()


@pytest.mark.parametrize("module", ["porelab_gui", "porelab_gui.cli", "napari_porelab"])
def test_light_imports_load_neither_torch_nor_qt(module):
    code = (
        f"import sys, {module}; print([m for m in ('torch', 'qtpy', 'PySide6', 'napari', 'numba') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_registry_loads_no_heavy_library():
    statement = "from porelab_gui.core.registry import methods; methods()"
    assert loaded_by(statement, "torch qtpy napari numba porespy openpnm matplotlib") == "[]"


def found(pattern: str, allowed: tuple[str, ...], folders: tuple[str, ...] = ("porelab_gui", "plugins")) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] in folders and not str(path.relative_to(ROOT)).startswith(allowed)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_layers_are_added_in_one_place():
    assert not found(
        r"viewer\.add_|\.add_(image|labels|points|surface|shapes|vectors|tracks)\(", ("porelab_gui/gui/layers",)
    )


def test_threads_and_processes_are_started_in_the_lanes():
    pattern = r"\b(QThread|QThreadPool|thread_worker|ProcessPoolExecutor|mp\.Process|threading\.Thread)\b"
    assert not found(pattern, ("porelab_gui/session/lanes.py",))


def test_nothing_from_a_stranger_is_executed():
    loads = r"pickle\.loads?\(|torch\.load\((?!.*weights_only=True)|yaml\.load\(|allow_pickle=True"
    assert not found(loads + r"|shell=True|(?<![.\w])(eval|exec)\(", ("nothing",))


def test_files_stay_short():
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 500}
    assert not long

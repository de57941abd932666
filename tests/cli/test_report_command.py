"""``porelab report``: a project becomes a page, a PDF and citations without a window."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from porelab_gui.cli import main
from porelab_gui.core.nouns import Column, Labels, Table
from porelab_gui.core.recipe import Recipe, RecipeStep
from porelab_gui.session import project


def test_a_project_is_reported_from_the_command_line(tmp_path):
    labels = Labels(np.random.default_rng(0).integers(0, 2, (8, 9, 10), np.uint8), (1e-6,) * 3)
    table = Table({"K": Column(np.array([1.5e-12]), "m2", "permeability")}, ("Boundary: reservoirs.",))
    steps = (RecipeStep("load", {"path": "rock.npy"}, {}, {"image": "my rock"}),
             RecipeStep("extract_network", {}, {"labels": "labels"}, {"network": "network"}))  # fmt: skip
    project.save(tmp_path / "p", {"labels": labels, "K": table}, Recipe(steps))
    words = ["report", str(tmp_path / "p"), "--folder", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-m", "porelab_gui", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = {p.name for p in (tmp_path / "out").iterdir()}
    assert made == {"report.html", "report.pdf", "references.bib", "recipe.yaml", "session.py"}
    assert all(str(tmp_path / "out" / name) in done.stdout for name in made)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "PoreLab report: my rock" in page and "K [m2]" in page and "data:image/png" in page
    assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "gostick2017" in (tmp_path / "out" / "references.bib").read_text()


def test_what_is_no_project_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert "not a project" in capsys.readouterr().err

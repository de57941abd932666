"""The report: one button, an HTML page and a PDF with what was done and how to repeat it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QPushButton
from scipy.ndimage import gaussian_filter

pytestmark = pytest.mark.gui


def test_one_button_writes_page_pdf_bibtex_recipe_and_script(porelab, tmp_path, monkeypatch, qtbot):
    noise = gaussian_filter(np.random.default_rng(0).random((32, 30, 28)), 2)
    np.save(tmp_path / "rock.npy", noise > np.quantile(noise, 0.6))
    run = porelab.context.session.run
    run("load", {"path": str(tmp_path / "rock.npy"), "voxel_size": (2e-6,) * 3}, {}, {"image": "my <rock>"})
    porelab.wait(60)
    for name in ("extract_network", "conductance_analytic", "solve_flow"):
        run(name, {})
        porelab.wait(120)
    folder = tmp_path / "report"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(folder), ""))
    button = next(b for b in porelab.stepper.findChildren(QPushButton) if b.text() == "Report…")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    porelab.wait(120)
    page = (folder / "report.html").read_text()
    assert "my &lt;rock&gt;" in page and "<rock>" not in page, "names are text, never markup"
    assert page.count("data:image/png") >= 4 and "K_mD [mD]" in page and "reservoirs" in page
    bib = (folder / "references.bib").read_text()
    assert "@misc{gostick2017" in bib and "10.1103/PhysRevE.96.023307" in bib
    pdf = (folder / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and pdf.rstrip().endswith(b"%%EOF") and b"/Image" in pdf
    told = subprocess.run([sys.executable, str(folder / "session.py")], capture_output=True, text=True, check=True)
    assert "differs" not in told.stdout and "as recorded" in told.stdout

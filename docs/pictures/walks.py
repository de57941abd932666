"""The tutorials as clicks: one walk through the window per learned system, on shipped samples and phantoms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pictures.hand import Hand
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

Walk = Callable[[Hand, Path], None]


def network_of_the_sandstone(hand: Hand) -> None:
    """From the sample to its network."""
    hand.sample("sandstone")
    hand.step("Segment")
    hand.method("Threshold")
    hand.run("Threshold")
    hand.step("Network")
    hand.run("Extract network")


def shale(hand: Hand, scratch: Path) -> None:
    """A phantom with truth, a small training, its segmentation, its statistics."""
    hand.step("Generate")
    hand.fill(kind="shale", depth="40", height="128", width="144", voxel="0.01")
    hand.run("Phantom with known truth")
    hand.flat(20)
    hand.picture("shale_phantom")
    hand.step("Learn")
    hand.method("Train a U-Net")
    hand.data("labels", "truth")
    hand.fill(epochs="24", n_slices="5", tests="2", folder=str(scratch / "shale"))
    hand.fill(width="8", patches="80")
    hand.tab("Training")
    hand.run("Train a U-Net")
    hand.top()
    hand.picture("shale_training")
    hand.step("Segment")
    hand.method("Segment with a U-Net")
    hand.run("Segment with a U-Net")
    hand.window.context.layers.layer("truth").visible = False
    hand.picture("shale_uncertainty")
    hand.window.context.layers.layer("uncertainty").visible = False
    hand.method("Shale statistics")
    hand.data("labels", "labels")
    hand.data("truth", "truth")
    hand.fill(slices="4, 12, 28, 36")
    hand.tab("Tables")
    hand.run("Shale statistics")
    hand.picture("shale_statistics")


def throat_errors(hand: Hand, scratch: Path) -> None:
    """Conductances by laws and by the conduit net, checked by simulating 200 throats."""
    network_of_the_sandstone(hand)
    hand.step("Conductance")
    hand.method("Conductance from geometry")
    hand.run("Conductance from geometry")
    hand.method("Conductance by the conduit net")
    hand.run("Conductance by the conduit net")
    hand.solid()
    hand.top()
    hand.picture("throats_predicted")
    errors = hand._panel().errors
    hand.click("Check 200 throats")
    hand.until(lambda: "R²" in errors.told.text())
    hand.wait()
    hand.click("% error")
    hand.see(errors.group.button(1))
    hand.picture("throats_error")
    hand.see(errors.worst)
    view = errors.worst.table
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(view.model().index(0, 0)).center())
    hand.wait()
    hand.see(errors.plot)
    hand.settle(3)
    hand.picture("throats_worst")


def permeability(hand: Hand, scratch: Path) -> None:
    """Conductances by the graph network, K from them, what decides it, the voxels beside it."""
    network_of_the_sandstone(hand)
    hand.step("Conductance")
    hand.method("Conductance from geometry")
    hand.run("Conductance from geometry")
    hand.method("Conductance by graph network")
    hand.run("Conductance by graph network")
    hand.solid()
    hand.click("over the law")
    hand.picture("gnn_ratio")
    hand.step("Transport")
    hand.method("Flow and permeability")
    hand.fill(law="gnn")
    hand.run("Flow and permeability")
    hand.method("Compare with the voxels")
    hand.tab("Tables")
    hand.run("Compare with the voxels")
    hand.picture("gnn_voxels")
    hand.method("What decides K")
    hand.run("What decides K")
    hand.see(hand._panel().stack.currentWidget().plot)
    hand.picture("gnn_decides")


def rocks(hand: Hand, scratch: Path) -> None:
    """Rocks of the generator that ships, some with a wanted porosity, and the training of one's own."""
    hand.step("Generate")
    hand.method("Rocks to order")
    hand.fill(size="64", count="4", survey="16", folder=str(scratch / "ordered"))
    row = hand._panel().stack.currentWidget().targets.rows[0]
    low, high = _reachable(hand, scratch)
    for line, text in ((row.low, low), (row.high, high), (row.tolerance, "0.002")):
        hand.press(line)
        line.selectAll()
        QTest.keyClicks(line, text)
    hand.top()
    hand.picture("rocks_order")
    hand.run("Search rocks")
    view = hand._panel().stack.currentWidget().view
    view.refresh()
    view.rocks.setCurrentRow(0)
    hand.run("Show in 3D")
    hand.settle()
    hand.see(view.rocks)
    hand.picture("rocks_accepted")
    _long_sandstone(hand, 36)
    hand.step("Learn")
    hand.method("Train a rock generator")
    hand.data("labels", "truth")
    hand.fill(crop="32", epochs="8", steps="10", batch_size="4", folder=str(scratch / "rocks"))
    hand.fill(small_edge="32", samples="4", widths="12, 8, 8, 4", critic_widths="8, 12, 16", draw_every="2")
    hand.tab("Training")
    hand.run("Train a rock generator")
    hand.top()
    hand.picture("rocks_training")


def _long_sandstone(hand: Hand, edge: int) -> None:
    """A phantom long enough to hold out a slab."""
    hand.step("Generate")
    hand.fill(kind="sandstone", depth="144", height=str(edge), width=str(edge), grain="10", porosity="0.3")
    hand.run("Phantom with known truth")


def _reachable(hand: Hand, scratch: Path) -> tuple[str, str]:
    """A range of porosity inside what this generator makes, seen on rocks made before."""
    hand.method("Generate rocks")
    hand.fill(size="64", count="12", seed="100", folder=str(scratch / "made"))
    hand.run("Generate rocks")
    found = sorted(hand.window.context.session.items["table"]["porosity"])
    hand.method("Rocks to order")
    return f"{found[3]:.3f}", f"{found[8]:.3f}"


def superres(hand: Hand, scratch: Path) -> None:
    """Blocks of known permeability, both nets, the correction, the images side by side."""
    _long_sandstone(hand, 40)  # a multiple of the slabs of the surrogate
    hand.step("Super-resolve")
    hand.method("Blocks of known permeability")
    hand.data("labels", "truth")
    hand.fill(folder=str(scratch / "blocks"), edge="16", stride="16", validation="0.2", test="0.2")
    hand.click("y")
    hand.click("x")
    hand.run("Blocks of known permeability")
    data, quick = str(scratch / "blocks"), {"factor": "2", "batch_size": "4"}
    hand.method("Train the surrogate of K")
    hand.fill(data=data, epochs="2", folder=str(scratch / "surrogate"), members="2", width="4", **quick)
    hand.run("Train the surrogate of K")
    hand.method("Train the super-resolver")
    hand.fill(data=data, epochs="2", folder=str(scratch / "resolver"), width="8", blocks="1", **quick)
    hand.tab("Training")
    hand.run("Train the super-resolver")
    hand.method("Correct until K is right")
    hand.data("super_resolver", "super_resolver")
    hand.data("surrogate", "surrogate")
    hand.fill(data=data, epochs="3", folder=str(scratch / "corrected"))
    hand.run("Correct until K is right")
    hand.settle()  # the plot above it grows first
    hand.see(hand._panel().stack.currentWidget().use)
    hand.picture("superres_tradeoff")
    hand.method("Coarsen a segmented stack")
    hand.data("labels", "truth")
    hand.fill(factor="2")
    hand.run("Coarsen a segmented stack")
    hand.method("Before and after the correction")
    for port, name in (("image", "low"), ("before", "super_resolver"), ("after", "corrected"), ("truth", "truth")):
        hand.data(port, name)
    hand.fill(network="no")
    hand.run("Before and after the correction")
    hand.click("Side by side")
    hand.see(hand._panel().stack.currentWidget().results)
    hand.tab("Tables")
    hand.picture("superres_beside")


def ions(hand: Hand, scratch: Path) -> None:
    """Feed and membrane with live results, the curves, and the neural result beside."""
    hand.step("Ions")
    panel = hand._panel()
    hand.until(lambda: panel.live.ready)
    hand.choose(panel.live.feed.preset, "li_mg_equal")
    hand.until(lambda: panel.results.live is not None)
    hand.until(lambda: panel.results.neural is not None)
    hand.picture("ions_live")
    hand.fill(pore_radius="0.6")
    hand.tab("Curves", "Pairing")
    hand.settle(2)
    hand.picture("ions_curves")
    hand.tab("Pairing", "Profiles")
    hand.until(lambda: panel.results.neural is not None)
    hand.settle(2)
    hand.picture("ions_pairs")


WALKS: dict[str, Walk] = {
    "shale": shale, "throat_errors": throat_errors, "permeability": permeability, "rocks": rocks,
    "superres": superres, "ions": ions,
}  # fmt: skip

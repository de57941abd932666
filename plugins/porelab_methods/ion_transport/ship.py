"""The weights that ship, made and judged by one command: ``porelab train_ion_transport`` without a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Weights
from porelab_gui.core.progress import Progress, within
from porelab_methods.ion_transport.plan import SHIPPED, Plan, members, run, told
from porelab_methods.ion_transport.store import NAME, IonNets, describe

DATA = (
    "Simulations only. Pre-training: {p.pretraining_membranes} membranes of a simulator with activities, regulated "
    "charge and permittivity that depends on concentration, each drawn at random (seed {p.pretraining_seed}), eleven "
    "sets of ions. Fine-tuning: {p.bench_membranes} membranes of that simulator with fixed physics (seed "
    "{p.bench_seed}), six mixtures, three concentrations, three fluxes, noise of 0.01 on each rejection. The networks "
    "named strengths: {p.told_membranes} membranes of the simulator with random physics, parameters and strengths "
    "told, one experiment on each (seed {p.told_seed})."
)
SPLITS = (
    "By mixture and by membrane. Left-out mixtures are seven sets of ions that no training met and that were drawn "
    "after the recipe was fixed (the recipe was chosen on three other sets and on membranes of another seed). "
    "Measured membranes: no network saw a measured row; each row of a membrane is predicted from its other rows."
)
LIMITS = (
    "The simulator of the pre-training has the form of the truth of bench a (activities, regulated charge, "
    "permittivity that falls): bench a says how well that form is found and carried over, not how the model fares on "
    "physics of another form. The measured membranes say that. "
    "Trained on simulations of 10 to 200 mM of charge, 3e-6 to 2.5e-5 m/s and five ions (Na, Li, Mg, SO4, Cl); the "
    "membrane parameters it expects are those of a DSPM-DE fit, or, with strengths, those that tune_membrane found "
    "with them. The uncertainty that predict_rejection gives is that of left-out simulated mixtures."
)
SHOWN = (
    "bench",
    "model",
    "rmse",
    "mae",
    "negative_caught",
    "charge_violation",
    "rmse_dspm_de",
    "rmse_dspm_de_averaged",
    "rmse_dspm_de_regularised",
    "rmse_fitted_strengths",
)


def ship(folder: Path, progress: Progress, plan: Plan = SHIPPED, count: int = 9) -> Weights:
    """Train what is not there yet (kept beside ``folder``), write it, judge it as it is stored, and write the card.

    What the judging has finished is kept, also for ``porelab score ion_transport``.
    """
    from porelab_methods.ion_transport.measured import bench_b
    from porelab_methods.ion_transport.score import bench_a, parts_of

    made = run(plan, folder.with_name(folder.name + ".parts"), within(progress, 0.0, 0.8))
    config: dict[str, Any] = {"system": NAME, "networks": {k: describe(net) for k, net in made.items()}}
    config["bench"] = {"membranes": plan.bench_membranes, "seed": plan.bench_seed, "box": True}
    config |= {"members": members(plan), "told": told(plan), "neutrality": "hard"}
    nets = IonNets(config)
    nets.nets = torch.nn.ModuleDict(made)
    kept = parts_of(save_weights(folder, nets, config, _card(plan, []), half=True))
    nets.half().float()  # judged as they are stored
    progress(0.8, 1.0, "judging on left-out mixtures")
    figures, rows = bench_a(nets.eval(), plan, count, kept=kept)
    progress(0.9, 1.0, "judging on measured membranes")
    _, measured = bench_b(nets, kept=kept)
    config |= {"rmse": figures["rmse_a_without_strengths"], "rmse_told": figures["rmse_a"]}
    return save_weights(folder, nets, config, _card(plan, [*rows, *measured]), half=True)


def _card(plan: Plan, rows: Sequence[dict[str, Any]]) -> Card:
    return Card(
        title="Ion transport: DSPM-DE with a correction by attention over ions",
        summary="The transport law of DSPM-DE in the pore, corrected by a transformer over the ions; pore and "
        "permeate are neutral to rounding. Where a membrane was fitted with strengths of effects beyond DSPM-DE "
        f"(tune_membrane), the model is the mean of {plan.told} networks that take them (strengths0, ...). Where only "
        "DSPM-DE parameters are known, it is the mean of one network pre-trained on simulated membranes of random "
        f"physics, {plan.tuned} tuned from it with different seeds (hard0, ...) and {plan.untaught} trained without it "
        "(scratch0, ...); of the means tried on what was kept for choosing, it erred least on new membranes. The "
        "others in the file are there to be compared.",
        data=DATA.format(p=plan),
        splits=SPLITS,
        scores=[{k: row.get(k, "") for k in SHOWN} for row in rows],
        limits=LIMITS,
        command="porelab train_ion_transport --folder FOLDER   (trains all of it anew)\nporelab score ion_transport",
        citation="After Rehman and Lienhard, Chem. Eng. J. (2024) 149806.",
    )

"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from typing import Literal

from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Network, Table, Weights
from porelab_gui.core.progress import Progress

FeedName = Literal["seawater", "li_mg_brine", "li_mg_equal", "nacl", "kcl", "licl", "mgcl2", "cacl2", "na2so4", "mgso4"]
_DSPM_DE = (
    "Bowen and Welfoot, Chem. Eng. Sci. 57 (2002) 1121; Geraldes and Brites Alves, J. Membr. Sci. 321 (2008) 172; "
    "hindrance after Dechadilok and Deen, Ind. Eng. Chem. Res. 45 (2006) 6953"
)
_NEURAL = "After Rehman and Lienhard, Chem. Eng. J. (2024) 149806, arXiv 2312.02871; " + _DSPM_DE


class FeedParams(Params):
    """A feed, where no table of ions is given."""

    feed: FeedName = param("li_mg_equal", "Solution to start from, where no table of ions is given")
    composition: str = param(
        "",
        "Ions and concentrations in mol/m3 instead, for example Li=20, Mg=20, Cl=60; an ion of your own with charge, "
        "diffusivity [m2/s] and radius [m]: Rb(1 2.07e-9 0.118e-9)=10",
    )
    balance: str = param("", "Ion whose concentration is set so that the feed is neutral, for example Cl")


class MembraneParams(FeedParams):
    """Membrane and solution."""

    pore_radius: float = param(0.5e-9, "Radius of the pores", unit="m", gt=0, le=1e-3, display="nm")
    thickness: float = param(
        1.33e-6,
        "Effective thickness of the active layer: thickness over porosity",
        unit="m",
        gt=0,
        le=1.0,
        display="um",
    )
    charge: float = param(-27.0, "Fixed charge of the pore liquid", unit="mol/m3", ge=-5000, le=5000)
    permittivity: float = param(41.3, "Relative permittivity inside the pores", unit="1", ge=2, le=120)
    temperature: float = param(298.15, "Temperature", unit="K", ge=273.15, le=373.15)
    feed_permittivity: float = param(78.4, "Relative permittivity of the feed", unit="1", ge=2, le=120, advanced=True)
    activity: Literal["ideal", "davies"] = param("ideal", "Activity coefficients of feed and permeate", advanced=True)
    mass_transfer: float = param(
        0.0,
        "Mass transfer coefficient of the feed film for a diffusivity of 1e-9 m2/s; 0: no polarisation",
        unit="m/s",
        ge=0,
        le=1.0,
        advanced=True,
    )


class SolveParams(MembraneParams):
    """Membrane, solution and how it is driven."""

    drive: Literal["flux", "pressure"] = param("flux", "What is given: the water flux or the pressure")
    flux: float = param(1e-5, "Water flux through the membrane", unit="m/s", ge=0, le=1e-2, display="um/s")
    pressure: float = param(1e6, "Pressure difference", unit="Pa", gt=0, le=1e8, display="bar")
    points: int = param(101, "Points of the profiles", unit="1", ge=2, le=10001, advanced=True)


class CurveParams(SolveParams):
    """Membrane, solution, and how finely the curves are drawn."""

    curve_points: int = param(33, "Points of each curve", unit="1", ge=2, le=10001, advanced=True)


class TableParams(Params):
    """Where the table is."""

    path: str = param("", "CSV file with a header, name or name [unit] per column", widget="file")


class FitParams(FeedParams):
    """What is fitted, and where it starts."""

    fit_radius: bool = param(True, "Fit the pore radius")
    fit_thickness: bool = param(True, "Fit the effective thickness")
    fit_charge: bool = param(True, "Fit the fixed charge")
    fit_permittivity: bool = param(True, "Fit the permittivity inside the pores")
    confidence: float = param(0.95, "Confidence of the intervals", unit="1", gt=0.0, lt=1.0)
    sigma: float = param(0.02, "Standard error of a rejection, where the table gives none", unit="1", gt=0, le=1.0)
    starts: int = param(12, "Starting points", unit="1", ge=1, le=1024, advanced=True)
    seed: int = param(0, "Seed of the starting points", unit="1", ge=0, le=2**31 - 1, advanced=True)


class NetworkParams(MembraneParams):
    """Throats of a network as membranes side by side; ``pore_radius`` and ``thickness`` come from the network."""

    flux: float = param(1e-5, "Water flux per area of the membrane", unit="m/s", ge=0, le=1e-2, display="um/s")
    scale: float = param(
        1.0, "Factor on the throat radii, to read the structure as a finer one", unit="1", gt=0, le=1e3
    )
    layer: float = param(
        0.0, "Thickness of the membrane; 0: the extent of the image along z", unit="m", ge=0, le=1.0, display="um"
    )


class TrainParams(Params):
    """How a network is trained on measurements; the networks that ship bring their own recipe."""

    neutrality: Literal["hard", "soft", "none"] = param(
        "hard", "Electroneutrality: exact by projection, by a penalty, or not at all"
    )
    attention: bool = param(True, "Let the ions attend to each other")
    simulations: int = param(
        0,
        "Without a table: train one network on this many simulated membranes, its inputs the strengths of three "
        "effects beyond DSPM-DE (activities, regulated charge, varying permittivity); 0 trains the networks that ship",
        unit="1",
        ge=0,
        le=1_000_000,
    )
    rounds: int = param(6, "Full solutions of the equation", unit="1", ge=1, le=200)
    steps: int = param(80, "Steps of the optimiser between two solutions", unit="1", ge=1, le=10000)
    rate: float = param(3e-3, "Learning rate at the start", unit="1", gt=0, le=1.0)
    noise: float = param(0.01, "Noise added to the rejections at every step", unit="1", ge=0, le=0.5)
    ridge: float = param(0.02, "Weight of the squared correction", unit="1", ge=0, le=10.0)
    starts: int = param(4, "Starting points of each membrane's DSPM-DE fit", unit="1", ge=1, le=1024, advanced=True)
    seed: int = param(0, "Seed of first weights and noise", unit="1", ge=0, le=2**31 - 1)
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data", widget="folder")


class PredictParams(MembraneParams):
    """Membrane, solution and flux; strengths of what is beyond DSPM-DE, where they were fitted."""

    flux: float = param(1e-5, "Water flux through the membrane", unit="m/s", gt=0, le=1e-2, display="um/s")
    activity_strength: float = param(
        0.0, "Fitted strength of activities (1: Davies); all three 0: none was fitted", unit="1", ge=-1, le=4
    )
    regulation_strength: float = param(
        0.0, "Fitted strength of the charge's regulation (1: power 0.4 of the ionic strength)", unit="1", ge=-1, le=4
    )
    dielectric_strength: float = param(
        0.0, "Fitted strength of the fall of permittivity (1: 15 per mol/L)", unit="1", ge=-1, le=4
    )


class TuneParams(Params):
    """How a membrane is fitted through the corrected equation."""

    steps: int = param(8, "Steps of the fit from each start", unit="1", ge=1, le=200)
    starts: int = param(4, "Starting points of the DSPM-DE fit before it", unit="1", ge=1, le=1024, advanced=True)


def _train(inputs: Inputs, params: TrainParams, progress: Progress) -> Outputs:
    from porelab_methods.ion_transport.learn_runs import run_train

    return run_train(inputs, params, progress)


def _predict(inputs: Inputs, params: PredictParams, progress: Progress) -> Outputs:
    from porelab_methods.ion_transport.learn_runs import run_predict

    return run_predict(inputs, params, progress)


def _tune(inputs: Inputs, params: TuneParams, progress: Progress) -> Outputs:
    from porelab_methods.ion_transport.tune_runs import run_tune

    return run_tune(inputs, params, progress)


def _solve(inputs: Inputs, params: SolveParams, progress: Progress) -> Outputs:
    from porelab_methods.ion_transport.runs import run_solve

    return run_solve(inputs, params, progress)


def _curves(inputs: Inputs, params: CurveParams, progress: Progress) -> Outputs:
    from porelab_methods.ion_transport.runs import run_curves

    return run_curves(inputs, params, progress)


def _table(inputs: Inputs, params: TableParams, progress: Progress) -> Outputs:
    from pathlib import Path

    from porelab_gui.core.inputs import read_table

    return {"table": read_table(Path(params.path))}


def _fit(inputs: Inputs, params: FitParams, progress: Progress) -> Outputs:
    from porelab_methods.ion_transport.runs import run_fit

    return run_fit(inputs, params, progress)


def _network(inputs: Inputs, params: NetworkParams, progress: Progress) -> Outputs:
    from porelab_methods.ion_transport.runs import run_network

    return run_network(inputs, params, progress)


_IONS = "A table with columns ion and concentration [mol/m3]; without it the preset is used."
METHODS: tuple[Method, ...] = (
    Method(
        name="solve_dspm_de",
        title="Ion rejection (DSPM-DE)",
        summary="Rejection of every ion of a mixture by a charged nanoporous membrane, with profiles through the pore",
        step="Ions",
        citation=_DSPM_DE,
        params=SolveParams,
        inputs={"ions": Port(Table, _IONS, optional=True)},
        outputs={"rejections": Table, "profiles": Table},
        function=_solve,
        lane="quick",
    ),
    Method(
        name="ion_curves",
        title="Rejection against flux and pore radius (DSPM-DE)",
        summary="Curves of the rejection of every ion: from no flux to three times the flux, from 0.6 to 2 times the "
        "pore radius",
        step="Ions",
        citation=_DSPM_DE,
        params=CurveParams,
        inputs={"ions": Port(Table, _IONS, optional=True)},
        outputs={"by_flux": Table, "by_radius": Table},
        function=_curves,
        lane="quick",
    ),
    Method(
        name="load_table",
        title="Open a table",
        summary="A CSV file as a table: ions of a feed, or measured rejections",
        step="Ions",
        citation="Wickham (2014) J. Stat. Softw. 59 (10), doi 10.18637/jss.v059.i10",
        params=TableParams,
        inputs={},
        outputs={"table": Table},
        function=_table,
        lane="quick",
    ),
    Method(
        name="fit_membrane",
        title="Fit a membrane to rejections",
        summary="Pore radius, thickness, charge and permittivity from measured rejections, with confidence intervals",
        step="Ions",
        citation=_DSPM_DE,
        params=FitParams,
        inputs={
            "measured": Port(
                Table,
                "A table with columns ion, feed [mol/m3], flux [m/s], rejection [1] and optionally experiment, sigma",
            )
        },
        outputs={"membrane": Table, "comparison": Table},
        function=_fit,
    ),
    Method(
        name="tune_membrane",
        title="Fit a membrane through the neural equation",
        summary="Membrane parameters and the strengths of three effects beyond DSPM-DE (activities, regulated charge, "
        "varying permittivity) from measured rejections; predict_rejection takes what was found",
        step="Ions",
        citation=_NEURAL,
        params=TuneParams,
        inputs={
            "measured": Port(
                Table,
                "Rejections of one membrane: columns ion, feed [mol/m3], flux [m/s], rejection [1]",
            ),
            "weights": Port(Weights, "Trained weights; without them the shipped ones.", optional=True),
        },
        outputs={"membrane": Table, "comparison": Table},
        function=_tune,
    ),
    Method(
        name="ions_through_network",
        title="Ion rejection of a network's throats",
        summary="Every throat as a membrane of its own radius, side by side: distribution of rejection",
        step="Ions",
        citation=_DSPM_DE,
        params=NetworkParams,
        inputs={"network": Port(Network, "Extract a network first."), "ions": Port(Table, _IONS, optional=True)},
        outputs={"network": Network, "rejections": Table},
        function=_network,
    ),
    Method(
        name="train_ion_transport",
        title="Train the neural ion transport equation",
        summary="Attention over ions corrects the transport law of DSPM-DE; the pore and the permeate stay neutral",
        step="Ions",
        citation=_NEURAL,
        params=TrainParams,
        inputs={
            "measured": Port(
                Table,
                "A table with columns ion, feed [mol/m3], flux [m/s], rejection [1]; optional membrane, experiment. "
                "Without it the networks that ship are trained anew on simulations, by their own recipe",
                optional=True,
            ),
            "weights": Port(Weights, "Earlier weights to go on from (fine-tuning).", optional=True),
        },
        outputs={"weights": Weights, "curves": Table, "membranes": Table},
        function=_train,
    ),
    Method(
        name="predict_rejection",
        title="Ion rejection by the neural equation",
        summary="Rejection of every ion beside DSPM-DE, with uncertainty and the map of attention between ions",
        step="Ions",
        citation=_NEURAL,
        params=PredictParams,
        inputs={
            "ions": Port(Table, _IONS, optional=True),
            "membrane": Port(Table, "A fitted membrane, which takes the place of the fields.", optional=True),
            "weights": Port(Weights, "Trained weights; without them the shipped ones.", optional=True),
        },
        outputs={"rejections": Table, "attention": Table, "pairs": Table},
        function=_predict,
    ),
)
